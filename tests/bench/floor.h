/**
 * floor.h - the least that any such pipeline does, written on bare hiredis and cJSON: five processes on the
 * same Redis that read, parse, print and hand on, without claims, retries, leases, limits or outcomes.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stdbool.h>

#include <hiredis/hiredis.h>

#include "measure.h"

#define FLOOR_STAGES    5
#define FLOOR_MESSAGE   200 /* devices: of a message, or of a read */
#define FLOOR_NAME_MAX  32
#define FLOOR_COUNT_MAX 16

struct floor_stage {
    redisContext *redis;
    int number, next; /* next: its own number at the end of the line */
    char consumer[16], stream[FLOOR_NAME_MAX], next_stream[FLOOR_NAME_MAX];
    char total[FLOOR_COUNT_MAX]; /* devices of the run, as text */
    char sha[48];                /* of the script, once loaded */
};

struct floor_kind {
    int devices_an_entry;
    /** Reads once, waiting up to a second, and hands on what came. Until the process is killed. */
    void (*turn)(struct floor_stage *stage);
};

/* 200 devices a message, handed on by one script that checks the owner, acknowledges, deletes, counts and
 * adds. */
extern const struct floor_kind floor_by_message;
/* One stream entry a device: XREADGROUP COUNT 200, then XADD, XACK and XDEL of each in one pipeline. */
extern const struct floor_kind floor_by_device;

struct floor_result {
    double rate;              /* devices a second */
    double workers_cpu_s;     /* of the five */
    struct redis_load before; /* what Redis had done when the time began, the first stream filled */
};

/** A fault ends the program. */
void floor_run(const struct floor_kind *kind, const struct redis_server *server, int devices,
               struct floor_result *result_r);

/* For the kinds. */
void floor_stop(const char *what) __attribute__((noreturn));
/** The reply, which is none of an error. */
redisReply *floor_good(redisContext *redis, void *reply);
void floor_forget(redisContext *redis, void *reply);
/** One more reply of a pipeline. */
void floor_next_reply(redisContext *redis);

#endif
