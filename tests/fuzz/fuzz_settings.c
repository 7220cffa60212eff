/*
 * Any settings file with any environment: refused with a place, or taken; and what `abmctl config print`
 * makes of it loads again and prints the same. The environment's variables stand behind a line "--env--", one
 * a line.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "domain/settings.h"
#include "fuzz.h"

#define ENV_MOST 32

struct env {
    char *text;
    char *names[ENV_MOST + 1];
};

static int make_file(const char *text, size_t len, char path[64])
{
    int fd = memfd_create("settings", MFD_CLOEXEC);

    FUZZ_CHECK(fd >= 0 && write(fd, text, len) == (ssize_t)len);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

/* Lines as variables; the text is cut up. */
static void split(struct env *env, const char *text, size_t len)
{
    char *line, *rest;
    size_t count = 0;

    env->text = rest = fuzz_string(text, len);
    FUZZ_CHECK(env->text != NULL);
    while ((line = strsep(&rest, "\n")) != NULL && count < ENV_MOST)
        env->names[count++] = line;
    env->names[count] = NULL;
}

/* The values alone: an origin changes from "environment" to "file". */
static void strip_origins(struct buf *text)
{
    char *to = text->data;

    for (const char *from = text->data; *from != '\0';) {
        size_t len = strcspn(from, "\n");
        const char *remark = memrchr(from, '#', len);
        size_t keep = remark != NULL ? (size_t)(remark - from) : len;

        while (keep > 0 && from[keep - 1] == ' ')
            keep--;
        memmove(to, from, keep);
        to += keep;
        *to++ = '\n';
        from += len + (from[len] == '\n');
    }
    *to = '\0';
    text->len = (size_t)(to - text->data);
}

static void print_again(const struct settings *settings)
{
    struct settings *again;
    struct err err = ERR_INIT;
    struct buf once, twice;
    char path[64];
    int fd;

    buf_init(&once, 4u << 20);
    buf_init(&twice, 4u << 20);
    settings_print(settings, &once);
    FUZZ_CHECK(!once.is_failed);
    fd = make_file(once.data, once.len, path);
    if (settings_load(path, NULL, &again, &err) != 0) {
        fprintf(stderr, "%s\n%s\n", err.text, once.data);
        FUZZ_CHECK(!"what is printed loads");
    }
    settings_print(again, &twice);
    strip_origins(&once);
    strip_origins(&twice);
    if (strcmp(once.data, twice.data) != 0) {
        fprintf(stderr, "%s\n---\n%s\n", once.data, twice.data);
        FUZZ_CHECK(!"what is printed says the same");
    }
    settings_free(again);
    close(fd);
    buf_release(&once);
    buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char mark[] = "\n--env--\n";
    const char *text = (const char *)data, *cut = memmem(data, size, mark, sizeof(mark) - 1);
    size_t len = cut != NULL ? (size_t)(cut - text) + 1 : size;
    struct env env = { .text = NULL };
    struct settings *settings;
    struct err err = ERR_INIT;
    char path[64];
    int fd;

    if (cut != NULL)
        split(&env, cut + sizeof(mark) - 1, size - (size_t)(cut - text) - (sizeof(mark) - 1));
    fd = make_file(text, len, path);
    if (settings_load(path, env.names, &settings, &err) == 0) {
        FUZZ_CHECK(settings->org_count > 0 && settings->redis_url != NULL && settings->audit_sink_count > 0);
        print_again(settings);
        settings_free(settings);
    } else {
        FUZZ_CHECK(err.code != ERR_NONE && err.text[0] != '\0');
        FUZZ_CHECK(strstr(err.text, path) != NULL || strstr(err.text, "ABM_") != NULL);
    }
    close(fd);
    free(env.text);
    return 0;
}
