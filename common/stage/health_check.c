#include "stage/health_check.h"

#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "queue/keys.h"
#include "queue/redis.h"
#include "stage/redis_settings.h"

#define FRESH_MS 30000

static bool is_ours(const struct redis_reply *beat, const char *stage, const char *host, int64_t now_ms)
{
    struct err err = ERR_INIT;
    struct json *json;
    const char *its_stage, *its_host;
    int64_t at;
    bool is;
    size_t len;
    const char *text = redis_text(beat, &len);

    if (json_parse(text, len, &json, &err) != 0)
        return false;
    its_stage = json_string(json_get(json, "stage"));
    its_host = json_string(json_get(json, "host"));
    is = its_stage != NULL && strcmp(its_stage, stage) == 0 && its_host != NULL &&
         strcmp(its_host, host) == 0 && json_int(json_get(json, "at"), &at) && now_ms - at < FRESH_MS;
    json_free(json);
    return is;
}

static int look(struct redis *redis, const struct org_settings *org, const char *stage, struct err *err)
{
    char host[65] = "", key[KEY_MAX_BYTES];
    struct redis_reply *now, *beats;
    struct keys keys;
    int64_t now_ms;
    int rc = -1;

    keys_init(&keys, org->name);
    (void)gethostname(host, sizeof(host) - 1);
    if (redis_connect(redis, err) != 0 || redis_callv(redis, &now, err, "TIME", NULL) != 0)
        return -1;
    now_ms = redis_integer(redis_at(now, 0)) * 1000 + redis_integer(redis_at(now, 1)) / 1000;
    redis_reply_free(now);
    if (redis_callv(redis, &beats, err, "HGETALL", keys_make(&keys, "workers", NULL, key), NULL) != 0)
        return -1;
    for (size_t i = 1; rc != 0 && i < redis_count(beats); i += 2)
        if (is_ours(redis_at(beats, i), stage, host, now_ms))
            rc = 0;
    redis_reply_free(beats);
    if (rc != 0)
        err_set(err, ERR_NOT_FOUND, 0, "no %s worker on %s has given a sign of life in the last %d s", stage,
                host, FRESH_MS / 1000);
    return rc;
}

int health_check(const struct settings *settings, const struct org_settings *org, const struct stage *stage,
                 struct err *err)
{
    const struct stage_crypto *crypto = stage->crypto;
    const char *references[] = { settings->redis_password, settings->redis_sentinel_password };
    const char *texts[2] = { NULL, NULL };
    void *secrets[2] = { NULL, NULL };
    struct redis_settings redis_settings;
    struct redis *redis = NULL;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < 2; i++) {
        if (references[i] == NULL)
            continue;
        rc = crypto->secret_open(references[i], settings->secrets_allow_mount_mode, &secrets[i], err);
        texts[i] = rc == 0 ? crypto->secret_text(secrets[i]) : NULL;
    }
    redis_settings = redis_settings_of(settings, texts[0], texts[1]);
    redis_settings.timeout_ms = 3000;
    if (rc == 0)
        rc = redis_new(&redis_settings, &redis, err);
    if (rc == 0)
        rc = look(redis, org, stage->name, err);
    redis_free(redis);
    crypto->secret_release(secrets[0]);
    crypto->secret_release(secrets[1]);
    return rc;
}
