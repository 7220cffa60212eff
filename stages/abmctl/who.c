#include "who.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static const char *from_env(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static void user_at_host(char text[WHO_BYTES])
{
    char host[65] = "unknown";
    const struct passwd *entry = getpwuid(getuid());

    if (gethostname(host, sizeof(host) - 1) != 0)
        snprintf(host, sizeof(host), "unknown");
    if (entry != NULL)
        snprintf(text, WHO_BYTES, "%s@%s", entry->pw_name, host);
    else /* a container's user often has no name */
        snprintf(text, WHO_BYTES, "uid-%lu@%s", (unsigned long)getuid(), host);
}

const char *who_operator(char text[WHO_BYTES])
{
    const char *given = from_env("ABM_OPERATOR");

    if (given != NULL)
        snprintf(text, WHO_BYTES, "%s", given);
    else if (from_env("GITHUB_ACTIONS") != NULL && from_env("GITHUB_RUN_ID") != NULL)
        snprintf(text, WHO_BYTES, "CI=github-actions, RUN_ID=%s", from_env("GITHUB_RUN_ID"));
    else if (from_env("GITLAB_CI") != NULL && from_env("CI_JOB_ID") != NULL)
        snprintf(text, WHO_BYTES, "CI=gitlab-ci, RUN_ID=%s", from_env("CI_JOB_ID"));
    else
        user_at_host(text);
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    for (size_t len = strlen(text); !str_is_utf8(text, len);) /* cut within a character, or never UTF-8 */
        text[--len] = '\0';
    return text;
}

const char *who_commit(void)
{
    static const char *const names[] = { "ABM_GIT_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = from_env(names[i]);

        if (value != NULL && strlen(value) >= 7 && strlen(value) <= 64 &&
            strspn(value, "0123456789abcdef") == strlen(value))
            return value;
    }
    return NULL;
}
