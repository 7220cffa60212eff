#include "profile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "samples.h"

#define MAPPINGS_MAX 512
#define SYMBOLS_MAX  8192
#define NAME_MAX_    64

struct mapping {
    uint64_t from, to, base; /* base: where the file's first byte is mapped */
    char path[256];
};

struct symbol {
    uint64_t at;
    char name[NAME_MAX_];
};

struct picture {
    struct mapping mappings[MAPPINGS_MAX];
    size_t mapping_count;
    char program[256];
    struct symbol symbols[SYMBOLS_MAX]; /* of the program, by address */
    size_t symbol_count;
};

/* By the library that code is in, or by the begin of a function's name in the program itself: the first that
 * a stack meets, from within, tells the area. */
static const struct {
    const char *library, *function;
    enum area area;
} owners[] = {
    { "libhiredis", NULL, AREA_REDIS }, { "libcurl", NULL, AREA_HTTP },     { "libcjson", NULL, AREA_JSON },
    { NULL, "stream_read", AREA_IDLE }, { NULL, "worker_rest", AREA_IDLE }, { NULL, "redis_", AREA_REDIS },
    { NULL, "scripts_", AREA_REDIS },   { NULL, "stream_", AREA_REDIS },    { NULL, "tick_", AREA_REDIS },
    { NULL, "http_", AREA_HTTP },       { NULL, "json_", AREA_JSON },
};

/* Sanitizers want to be loaded before anything else. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_PRELOAD 0
#else
#define CAN_PRELOAD 1
#endif

void profile_begin(const char *folder)
{
    char library[512];
    ssize_t len = readlink("/proc/self/exe", library, sizeof(library) - 64);
    char *slash;

    if (!CAN_PRELOAD)
        return;
    library[len > 0 ? len : 0] = '\0';
    slash = strrchr(library, '/');
    if (slash != NULL)
        snprintf(slash + 1, 64, "bench-sampler.so");
    setenv("LD_PRELOAD", library, 1);
    setenv("BENCH_SAMPLES", folder, 1);
}

void profile_end(void)
{
    unsetenv("LD_PRELOAD");
    unsetenv("BENCH_SAMPLES");
}

static void read_mappings(struct picture *picture, pid_t pid)
{
    char path[64], line[512];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL && picture->mapping_count < MAPPINGS_MAX) {
        struct mapping *mapping = &picture->mappings[picture->mapping_count];
        unsigned long long from, to, offset;

        if (sscanf(line, "%llx-%llx %*s %llx %*s %*s %255s", &from, &to, &offset, mapping->path) != 4)
            continue;
        mapping->from = from;
        mapping->to = to;
        mapping->base = from - offset;
        picture->mapping_count++;
    }
    if (file != NULL)
        fclose(file);
    snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    if (readlink(path, picture->program, sizeof(picture->program) - 1) < 0)
        picture->program[0] = '\0';
}

/* nm(1) of the toolchain that built it; static functions too. */
static void read_symbols(struct picture *picture)
{
    char command[320], line[512];
    FILE *pipe;

    snprintf(command, sizeof(command), "nm -n '%s' 2>/dev/null", picture->program);
    pipe = popen(command, "r");
    while (pipe != NULL && fgets(line, sizeof(line), pipe) != NULL && picture->symbol_count < SYMBOLS_MAX) {
        struct symbol *symbol = &picture->symbols[picture->symbol_count];
        unsigned long long at;
        char kind;

        if (sscanf(line, "%llx %c %63s", &at, &kind, symbol->name) != 3 || (kind != 't' && kind != 'T'))
            continue;
        symbol->at = at;
        picture->symbol_count++;
    }
    if (pipe != NULL)
        pclose(pipe);
}

static const struct mapping *mapping_of(const struct picture *picture, uint64_t at)
{
    for (size_t i = 0; i < picture->mapping_count; i++)
        if (at >= picture->mappings[i].from && at < picture->mappings[i].to)
            return &picture->mappings[i];
    return NULL;
}

static const char *function_of(const struct picture *picture, uint64_t offset)
{
    size_t low = 0, high = picture->symbol_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (picture->symbols[middle].at <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? picture->symbols[low - 1].name : "";
}

/* AREAS: nobody's in particular. */
static enum area owner_of(const struct picture *picture, uint64_t at)
{
    const struct mapping *mapping = mapping_of(picture, at);
    bool is_program = mapping != NULL && strcmp(mapping->path, picture->program) == 0;
    const char *function = is_program ? function_of(picture, at - mapping->base) : NULL;
    const char *name = mapping != NULL ? strrchr(mapping->path, '/') : NULL;

    for (size_t i = 0; name != NULL && i < sizeof(owners) / sizeof(owners[0]); i++) {
        const char *want = is_program ? owners[i].function : owners[i].library;

        if (want != NULL && strncmp(is_program ? function : name + 1, want, strlen(want)) == 0)
            return owners[i].area;
    }
    return AREAS;
}

static enum area area_of(const struct picture *picture, const struct sample *sample)
{
    enum area found = AREAS;

    for (int64_t i = 0; i < sample->depth && i < SAMPLES_DEPTH; i++) {
        enum area owner = owner_of(picture, sample->frames[i]);

        if (found == AREAS)
            found = owner;
        if (owner == AREA_IDLE)
            return AREA_IDLE; /* the wait for messages is within hiredis */
    }
    return found != AREAS ? found : AREA_REST;
}

void profile_read(const char *folder, pid_t pid, struct profile *profile_r)
{
    static struct picture picture;
    long counts[AREAS] = { 0 };
    const struct samples *samples;
    char path[256];
    int64_t count;
    int fd;

    *profile_r = (struct profile){ 0 };
    snprintf(path, sizeof(path), "%s/%d.samples", folder, (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    samples = mmap(NULL, sizeof(*samples), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (samples == MAP_FAILED)
        return;
    memset(&picture, 0, sizeof(picture));
    read_mappings(&picture, pid);
    read_symbols(&picture);
    count = samples->count;
    for (int64_t i = 0; i < count; i++)
        counts[area_of(&picture, &samples->at[i])]++;
    profile_r->samples = (long)count;
    for (int area = 0; area < AREAS && count > 0; area++)
        profile_r->shares[area] = (double)counts[area] / (double)count;
    munmap((void *)(uintptr_t)samples, sizeof(*samples));
}
