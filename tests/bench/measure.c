#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INFO_MAX (1 << 20)

int64_t measure_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void ask(const struct redis_server *server, const char *command, struct buf *out)
{
    struct err err = ERR_INIT;

    if (redis_server_ask(server, command, out, &err) == 0)
        return;
    fprintf(stderr, "bench: Redis, %s: %s\n", command, err.text);
    exit(70);
}

void measure_ask(const struct redis_server *server, const char *command)
{
    struct buf out;

    buf_init(&out, INFO_MAX);
    ask(server, command, &out);
    buf_release(&out);
}

static double number_of(const char *info, const char *name)
{
    char wanted[64];
    const char *at;

    snprintf(wanted, sizeof(wanted), "\n%s:", name);
    at = strstr(info, wanted);
    return at != NULL ? strtod(at + strlen(wanted), NULL) : 0;
}

static void count_commands(const char *info, struct redis_load *load)
{
    static const char head[] = "\ncmdstat_";

    for (const char *at = info; (at = strstr(at, head)) != NULL;) {
        const char *name = at + sizeof(head) - 1, *calls = strstr(name, ":calls=");
        int64_t count = calls != NULL ? strtoll(calls + 7, NULL, 10) : 0;

        load->commands += count;
        if (strncmp(name, "evalsha:", 8) == 0)
            load->scripts += count;
        at = name;
    }
}

void measure_redis(const struct redis_server *server, struct redis_load *load_r)
{
    struct buf info;

    *load_r = (struct redis_load){ 0 };
    buf_init(&info, INFO_MAX);
    ask(server, "INFO commandstats", &info);
    count_commands(info.data, load_r);
    buf_reset(&info);
    ask(server, "INFO cpu", &info);
    load_r->cpu_s = number_of(info.data, "used_cpu_user") + number_of(info.data, "used_cpu_sys");
    buf_reset(&info);
    ask(server, "INFO memory", &info);
    load_r->memory = (int64_t)number_of(info.data, "used_memory");
    load_r->memory_peak = (int64_t)number_of(info.data, "used_memory_peak");
    buf_release(&info);
}
