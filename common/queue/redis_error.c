/* redis_error.c - an error reply as a code of ours. */
#include <string.h>

#include "queue/redis_inside.h"

/* Redis's error words, by their first one, as codes of ours. */
int redis_error(const char *words, struct err *err)
{
    static const struct {
        const char *prefix;
        enum err_code code;
    } rows[] = {
        { "OOM ", ERR_REDIS_OOM },
        { "NOAUTH", ERR_REDIS_AUTH },
        { "WRONGPASS", ERR_REDIS_AUTH },
        { "NOPERM", ERR_REDIS_AUTH },
        { "WRONGTYPE", ERR_REDIS_TYPE },
        { "KEYTYPE", ERR_REDIS_TYPE },
        { "NOGROUP", ERR_REDIS_NOGROUP },
        { "ERR AUTH", ERR_REDIS_AUTH },
        { "ERR KEYTYPE", ERR_REDIS_TYPE },
        { "-NOGROUP", ERR_REDIS_NOGROUP },
        { "-OOM ", ERR_REDIS_OOM },
        { "-WRONGTYPE", ERR_REDIS_TYPE },
        { "-NOPERM", ERR_REDIS_AUTH },
        { "READONLY", ERR_REDIS_READONLY },
        { "LOADING", ERR_REDIS_LOADING },
        { "BUSY ", ERR_REDIS_BUSY },
        { "MISCONF", ERR_REDIS_DISK },
        { "NOREPLICAS", ERR_REDIS_REPLICAS },
        { "UNBLOCKED the stream key", ERR_REDIS_NOGROUP },
        { "UNBLOCKED force", ERR_REDIS_READONLY },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strncmp(words, rows[i].prefix, strlen(rows[i].prefix)) == 0)
            return err_set(err, rows[i].code, 0, "Redis: %s", words);
    /* Inside a script the first word is ERR and the cause comes later. */
    if (strstr(words, "NOGROUP") != NULL)
        return err_set(err, ERR_REDIS_NOGROUP, 0, "Redis: %s", words);
    if (strstr(words, "NOPERM") != NULL || strstr(words, "can't run this command") != NULL ||
        strstr(words, "ACL failure") != NULL)
        return err_set(err, ERR_REDIS_AUTH, 0, "Redis: %s", words);
    if (strstr(words, "WRONGTYPE") != NULL || strstr(words, "KEYTYPE") != NULL)
        return err_set(err, ERR_REDIS_TYPE, 0, "Redis: %s", words);
    return err_set(err, ERR_REDIS_REPLY, 0, "Redis: %s", words);
}
