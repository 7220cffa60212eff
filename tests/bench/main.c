/*
 * bench - what the pipeline costs on this machine (README.md, DESIGN.md 11). scripts/bench runs it.
 *
 * Progress goes to stderr, the result to stdout. Exit status: 0 measured, whatever the figures; 64 usage; 70
 * a part could not go on; 128 + a signal that ended it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "bench.h"
#include "guard.h"
#include "harness/redis_server.h"

static const struct part {
    const char *name;
    void (*run)(struct bench *bench);
} parts[] = {
    { "engine", bench_engine }, { "pipeline", bench_pipeline }, { "crumbling", bench_crumbling },
    { "growth", bench_growth }, { "limit", bench_limit },       { "start", bench_start },
    { "idle", bench_idle },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static const struct bench plain = { .rounds = 5,
                                    .devices = 200000,
                                    .pipeline_devices = 20000,
                                    .crumbling_devices = 1000000,
                                    .growth_devices = { 10000, 100000, 1000000 },
                                    .limit_devices = 3000,
                                    .idle_devices = 200 };

/* Whether the bench itself works: the figures mean nothing. */
static const struct bench tiny = { .rounds = 2,
                                   .devices = 1200,
                                   .pipeline_devices = 300,
                                   .crumbling_devices = 4000,
                                   .growth_devices = { 100, 200, 400 },
                                   .limit_devices = 120,
                                   .idle_devices = 5 };

struct options {
    bool is_json;
    bool wants[PARTS];
    struct bench bench;
};

struct machine {
    char processor[128], kernel[128], redis[64];
    long cores, memory_mb;
    double load;
};

static void read_line(const char *path, const char *head, char *to, size_t size)
{
    char line[512];
    FILE *file = fopen(path, "r");

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        const char *colon = strchr(line, ':');

        if (strncmp(line, head, strlen(head)) != 0 || colon == NULL)
            continue;
        snprintf(to, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (file != NULL)
        fclose(file);
}

/* As `redis-server --version` says it: "Redis server v=7.0.15 sha=...". */
static void read_redis(char *to, size_t size)
{
    const char *wanted = getenv("REDIS_SERVER");
    char command[300], line[256] = "";
    FILE *pipe;

    snprintf(command, sizeof(command), "'%s' --version 2>/dev/null || valkey-server --version",
             wanted != NULL && wanted[0] != '\0' ? wanted : "redis-server");
    pipe = popen(command, "r");
    if (pipe != NULL && fgets(line, sizeof(line), pipe) != NULL)
        snprintf(to, size, "%.*s", (int)strcspn(line, "\n"), line);
    if (strstr(to, " sha=") != NULL)
        *strstr(to, " sha=") = '\0';
    if (pipe != NULL)
        pclose(pipe);
}

static void read_machine(struct machine *machine)
{
    struct utsname system;

    memset(machine, 0, sizeof(*machine));
    read_line("/proc/cpuinfo", "model name", machine->processor, sizeof(machine->processor));
    read_redis(machine->redis, sizeof(machine->redis));
    machine->cores = sysconf(_SC_NPROCESSORS_ONLN);
    machine->memory_mb = sysconf(_SC_PHYS_PAGES) / 1024 * (sysconf(_SC_PAGESIZE) / 1024);
    if (uname(&system) == 0)
        snprintf(machine->kernel, sizeof(machine->kernel), "%.20s %.64s", system.sysname, system.release);
    if (getloadavg(&machine->load, 1) != 1)
        machine->load = 0;
}

static void print_json(const struct machine *machine, const struct bench *bench)
{
    struct json_out out;
    struct buf text;
    char load[32];

    buf_init(&text, 1 << 20);
    json_out_init(&out, &text);
    json_begin(&out, NULL, '{');
    json_begin(&out, "machine", '{');
    json_add_string(&out, "processor", machine->processor);
    json_add_int(&out, "cores", machine->cores);
    json_add_int(&out, "memory_mb", machine->memory_mb);
    json_add_string(&out, "kernel", machine->kernel);
    json_add_string(&out, "redis", machine->redis);
    json_add_raw(&out, "load_before", load, (size_t)snprintf(load, sizeof(load), "%.2f", machine->load));
    json_end(&out, '}');
    figures_add_json(bench->figures, &out);
    json_end(&out, '}');
    puts(text.data);
    buf_release(&text);
}

static void print_table(const struct machine *machine, const struct bench *bench)
{
    printf("%s, %ld cores, %ld MB, %s, %s; load %.2f before it began\n", machine->processor, machine->cores,
           machine->memory_mb, machine->kernel, machine->redis, machine->load);
    figures_print(bench->figures);
}

static int wrong(const char *what, const char *word)
{
    fprintf(stderr,
            "bench: %s%s\nbench [--json] [--tiny] [--rounds N] [--devices N] [--only PART]...\nparts:", what,
            word);
    for (size_t i = 0; i < PARTS; i++)
        fprintf(stderr, " %s", parts[i].name);
    fputc('\n', stderr);
    return 64;
}

static bool want_part(struct options *options, const char *name)
{
    for (size_t i = 0; i < PARTS; i++) {
        if (strcmp(parts[i].name, name) == 0) {
            options->wants[i] = true;
            return true;
        }
    }
    return false;
}

static int read_options(int argc, char **argv, struct options *options)
{
    int64_t number = 0, devices = 0, rounds = 0;
    bool has_only = false;

    options->bench = plain;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--json") == 0) {
            options->is_json = true;
            continue;
        }
        if (strcmp(argv[i], "--tiny") == 0) {
            options->bench = tiny;
            continue;
        }
        if (strcmp(argv[i], "--only") == 0) {
            if (!want_part(options, value))
                return wrong("no such part: ", value);
            has_only = true;
        } else if (strcmp(argv[i], "--devices") == 0 && str_to_int(value, 1, 10000000, &number)) {
            devices = number;
        } else if (strcmp(argv[i], "--rounds") == 0 && str_to_int(value, 1, BENCH_RUNS_MAX - 1, &number)) {
            rounds = number;
        } else {
            return wrong("not understood, or without a number from 1: ", argv[i]);
        }
        i++;
    }
    if (devices > 0)
        options->bench.devices = (int)devices;
    if (rounds > 0)
        options->bench.rounds = (int)rounds;
    for (size_t i = 0; i < PARTS && !has_only; i++)
        options->wants[i] = true;
    return 0;
}

struct task {
    const struct part *part;
    struct bench *bench;
};

static void run_task(void *user)
{
    struct task *task = user;

    task->part->run(task->bench);
}

int main(int argc, char **argv)
{
    static struct options options;
    struct machine machine;
    int status = read_options(argc, argv, &options);

    if (status != 0)
        return status;
    read_machine(&machine);
    options.bench.figures = figures_new();
    guard_begin();
    for (size_t i = 0; i < PARTS && status == 0; i++) {
        struct task task = { &parts[i], &options.bench };

        if (!options.wants[i])
            continue;
        fprintf(stderr, "== %s\n", parts[i].name);
        status = guard_run(run_task, &task);
    }
    if (status != 0)
        fprintf(stderr, "bench: a part could not go on; what was measured before it follows\n");
    guard_end(status != 0);
    if (options.is_json)
        print_json(&machine, &options.bench);
    else
        print_table(&machine, &options.bench);
    return status == 0 ? 0 : 70;
}
