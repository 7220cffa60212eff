#include "ctl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/str.h"
#include "crypto/secret.h"
#include "queue/key_types.h"
#include "secrets/secrets.h"
#include "stage/redis_settings.h"

#define DEFAULT_CONFIG "config/pipeline.yaml"
#define OUTLAST_MS     1000

const char *ctl_config_path(const struct ctl *ctl)
{
    const char *path = ctl->config != NULL ? ctl->config : getenv("ABM_CONFIG");

    return path != NULL && path[0] != '\0' ? path : DEFAULT_CONFIG;
}

static void warn(void *user, const char *event, const char *text)
{
    (void)event;
    ctl_say(user, "%s", text);
}

int ctl_open_settings(struct ctl *ctl, struct err *err)
{
    const struct vault_warn warn_to = { .warn = warn, .user = ctl };

    if (ctl->settings != NULL)
        return 0;
    if (settings_load(ctl_config_path(ctl), environ, &ctl->settings, err) != 0)
        return -1;
    return secrets_open(ctl->settings, &warn_to, err);
}

int ctl_open_org(struct ctl *ctl, struct err *err)
{
    const char *name = ctl->org_name != NULL ? ctl->org_name : getenv("ABM_ORG");

    if (ctl_open_settings(ctl, err) != 0)
        return -1;
    if (ctl->org != NULL)
        return 0;
    if (settings_org(ctl->settings, name != NULL && name[0] != '\0' ? name : NULL, &ctl->org, err) != 0)
        return -1;
    keys_init(&ctl->keys, ctl->org->name);
    return 0;
}

/* Once: *secret_r keeps what a reference names. */
static int open_secret(const struct ctl *ctl, const char *setting, const char *reference,
                       struct secret **secret_r, struct err *err)
{
    if (reference != NULL && *secret_r == NULL &&
        secret_resolve(reference, ctl->settings->secrets_allow_mount_mode, secret_r, err) != 0)
        return err_prefix(err, "%s", setting);
    return 0;
}

int ctl_open_redis(struct ctl *ctl, struct err *err)
{
    struct redis_settings settings;

    if (ctl_open_org(ctl, err) != 0)
        return -1;
    if (open_secret(ctl, "redis.password", ctl->settings->redis_password, &ctl->password, err) != 0 ||
        open_secret(ctl, "redis.sentinel_password", ctl->settings->redis_sentinel_password,
                    &ctl->sentinel_password, err) != 0)
        return -1;
    if (ctl->redis == NULL) {
        settings =
            redis_settings_of(ctl->settings, ctl->password != NULL ? secret_text(ctl->password) : NULL,
                              ctl->sentinel_password != NULL ? secret_text(ctl->sentinel_password) : NULL);
        settings.name = "abmctl";
        settings.key = ctl->keys.prefix;
        if (redis_new(&settings, &ctl->redis, err) != 0)
            return -1;
        ctl->shared.redis = ctl->redis;
        ctl->shared.keys = &ctl->keys;
    }
    return redis_is_connected(ctl->redis) ? 0 : redis_connect(ctl->redis, err);
}

int ctl_reconnect(struct ctl *ctl, struct err *err)
{
    for (int attempt = 1;; attempt++) {
        struct err why = ERR_INIT;

        if (redis_connect(ctl->redis, &why) == 0) {
            if (attempt > 1)
                ctl_say(ctl, "connected to Redis again");
            return 0;
        }
        if (why.code == ERR_REDIS_AUTH || why.code == ERR_REDIS_VERSION) {
            *err = why;
            return -1;
        }
        if (attempt == 1)
            ctl_say(ctl, "waiting: %s", why.text);
        if (ctl_wait(ctl, backoff_ms(100, 5000, attempt, rand_u32())))
            return err_set(err, ERR_STOPPED, 0, "stopped while waiting for Redis");
    }
}

bool ctl_is_passing(const struct err *err)
{
    switch (err->code) {
    case ERR_REDIS_LOST:
    case ERR_REDIS_UNREACHABLE:
    case ERR_REDIS_LOADING:
    case ERR_REDIS_BUSY:
    case ERR_REDIS_READONLY:
    case ERR_REDIS_REPLICAS:
    case ERR_REDIS_DISK: return true;
    default: return false;
    }
}

int ctl_outlast(struct ctl *ctl, const struct err *why, struct err *err)
{
    if (!redis_is_connected(ctl->redis))
        return ctl_reconnect(ctl, err);
    if (ctl->waits_for != why->code)
        ctl_say(ctl, "waiting: %s (%s)", why->text, err_advice(why->code));
    ctl->waits_for = why->code;
    return ctl_wait(ctl, OUTLAST_MS) ? err_set(err, ERR_STOPPED, 0, "stopped while waiting for Redis") : 0;
}

int ctl_catch_signals(struct ctl *ctl, struct err *err)
{
    sigset_t set;

    if (ctl->signal_fd >= 0)
        return 0;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return err_set(err, ERR_BUG, errno, "sigprocmask");
    ctl->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (ctl->signal_fd < 0)
        return err_set(err, ERR_IO, errno, "signalfd");
    return 0;
}

bool ctl_wait(struct ctl *ctl, int64_t ms)
{
    struct pollfd fd = { .fd = ctl->signal_fd, .events = POLLIN };
    int64_t end = clock_boot_ms() + ms;

    while (!ctl->is_stopped) {
        int64_t left = end - clock_boot_ms();
        int got = poll(&fd, 1, left > 0 ? (int)left : 0); /* a negative fd is only a sleep */

        if (got > 0)
            ctl->is_stopped = true;
        else if (left <= 0)
            break;
    }
    return ctl->is_stopped;
}

bool ctl_is_stopped(struct ctl *ctl)
{
    return ctl_wait(ctl, 0);
}

static void write_stderr(const struct buf *line)
{
    size_t done = 0;

    while (done < line->len) {
        ssize_t got = write(STDERR_FILENO, line->data + done, line->len - done);

        if (got < 0 && errno != EINTR)
            return; /* nobody reads it: there is no other place to say so */
        if (got > 0)
            done += (size_t)got;
    }
}

/* prefix and the text, escaped line by line: a newline of ours separates, others' were escaped before. */
static void say(struct ctl *ctl, const char *prefix, const char *text, const char *end)
{
    struct buf line;

    buf_init(&line, 64 * 1024);
    if (ctl->has_progress)
        buf_add_str(&line, "\r\033[K");
    ctl->has_progress = false;
    buf_add_str(&line, prefix);
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, "\n");

        str_escape(&line, at, len, len);
        at += len;
        if (*at == '\n') { /* further lines stand under the first: a caret keeps its place */
            buf_add_str(&line, at[1] == ' ' || at[1] == '\0' ? "\n" : "\n  ");
            at++;
        }
    }
    buf_add_str(&line, end);
    write_stderr(&line);
    buf_release(&line);
}

void ctl_say(struct ctl *ctl, const char *fmt, ...)
{
    char text[4096];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    say(ctl, "", text, "\n");
}

void ctl_progress(struct ctl *ctl, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    size_t room = ctl->columns > 1 ? (size_t)ctl->columns - 1 : 79;

    if (!ctl->is_err_terminal || ctl->is_json)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (strlen(text) > room) { /* a line that wraps could not be replaced */
        while (room > 0 && ((unsigned char)text[room] & 0xc0) == 0x80)
            room--;
        text[room] = '\0';
    }
    say(ctl, ctl->has_progress ? "" : "\r\033[K", text, "");
    ctl->has_progress = true;
}

void ctl_progress_end(struct ctl *ctl)
{
    if (ctl->has_progress)
        say(ctl, "", "", "");
}

int ctl_print(const char *text, size_t len, struct err *err)
{
    if (len > 0 && fwrite(text, 1, len, stdout) != len)
        return err_set(err, ERR_IO, errno, "stdout");
    return 0;
}

int ctl_print_line(const struct buf *buf, struct err *err)
{
    if (buf_check(buf, "the result", err) != 0)
        return -1;
    if (ctl_print(buf->data, buf->len, err) != 0)
        return -1;
    return ctl_print("\n", 1, err);
}

const char *ctl_shown(const char *text)
{
    static _Thread_local char slots[8][1100];
    static _Thread_local unsigned turn;
    char *slot = slots[turn++ % 8];
    struct buf out;

    if (text == NULL)
        return "-";
    buf_init(&out, sizeof(slots[0]) - 1);
    str_escape(&out, text, strlen(text), 256);
    snprintf(slot, sizeof(slots[0]), "%s", out.len > 0 ? out.data : "");
    buf_release(&out);
    return slot;
}

static void report_json(const struct err *err)
{
    struct json_out json;
    struct buf line;

    buf_init(&line, 16 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_begin(&json, "error", '{');
    json_add_string(&json, "code", err_wire(err->code));
    json_add_string(&json, "text", err->text);
    json_add_string(&json, "advice", err_advice(err->code));
    json_add_int(&json, "exit", err_exit_status(err->code));
    json_end(&json, '}');
    json_end(&json, '}');
    buf_add_char(&line, '\n');
    write_stderr(&line);
    buf_release(&line);
}

void ctl_report(struct ctl *ctl, const struct err *err)
{
    struct err told = *err;

    if (ctl->redis != NULL && redis_is_connected(ctl->redis))
        key_types_explain(ctl->redis, &ctl->keys, &told);
    if (ctl->is_json) {
        report_json(&told);
        return;
    }
    say(ctl, "abmctl: ", told.text, "\n");
    say(ctl, "  what to do: ", err_advice(told.code), "\n");
}
