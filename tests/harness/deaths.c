#include "harness/deaths.h"

#include "harness/check.h"

#include <stdio.h>
#include <string.h>

#include "harness/toll.h"
#include "harness/wires.h"
#include "queue/scripts.h"

#define RUN_MS 60000

enum point { READ, ASKED, UNANSWERED, ANSWERED, HALF, SETTLED, CUT_READ, CUT_SETTLE, CUT_SETTLED, POINTS };

static const char *const point_names[POINTS] = {
    [READ] = "read, nothing done yet",
    [ASKED] = "request sent, not arrived",
    [UNANSWERED] = "effect done, not answered",
    [ANSWERED] = "answered, settle not arrived",
    [HALF] = "half of the settle arrived",
    [SETTLED] = "settled, not answered",
    [CUT_READ] = "cut off: read, not told",
    [CUT_SETTLE] = "cut off: settle not arrived",
    [CUT_SETTLED] = "cut off: settled, not told",
};

/* Who dies. Audit dies twice a run: at its records, and at the closing. */
enum victim { VALIDATE, IMPORT, ASSIGN, VERIFY, RECORDS, CLOSING, VICTIMS };

static const struct {
    const char *name;
    enum pipeline_stage stage;
    const char *request;       /* to the API, while it works; NULL: none */
    const char *settle;        /* the script */
    const char *turn, *effect; /* instead of a request: scripts; NULL: none */
} victims[VICTIMS] = {
    [VALIDATE] = { "validate", PIPELINE_VALIDATE, "GET /v2/blueprints", lua_register, NULL, NULL },
    [IMPORT] = { "import", PIPELINE_IMPORT, "POST /", lua_settle, NULL, NULL },
    [ASSIGN] = { "assign", PIPELINE_ASSIGN, "PUT /", lua_settle, NULL, NULL },
    [VERIFY] = { "verify", PIPELINE_VERIFY, "GET /", lua_settle, NULL, NULL },
    [RECORDS] = { "audit, records", PIPELINE_AUDIT, NULL, lua_account, NULL, NULL },
    [CLOSING] = { "audit, closing", PIPELINE_AUDIT, NULL, lua_closed, lua_chain_take, lua_chain_store },
};

struct scene {
    const struct deaths *deaths;
    struct pipeline pipeline;
    struct wires wires;
    char settle_sha[VICTIMS][48], turn_sha[48], effect_sha[48];
    struct tally {
        int runs, kills;
        struct toll toll;
    } tallies[POINTS][VICTIMS];
    int round;
};

static bool applies(enum point point, enum victim victim)
{
    if (point != ASKED && point != UNANSWERED)
        return true;
    return victims[victim].request != NULL || victims[victim].turn != NULL;
}

static struct wire *wire_of(struct scene *scene, enum victim victim)
{
    return &scene->wires.at[victims[victim].stage][0];
}

/* The line on which the point is met, and what to look for there. */
static struct tcp_proxy *trap_of(struct scene *scene, enum point point, enum victim victim,
                                 struct tcp_catch *trap)
{
    struct wire *wire = wire_of(scene, victim);
    const char *request = victims[victim].request;

    *trap = (struct tcp_catch){ .request = scene->settle_sha[victim] };
    switch (point) {
    case READ:
        trap->point = TCP_AFTER_REPLY;
        trap->request = "XREADGROUP";
        trap->reply = victim == CLOSING ? "\"close\":true" : "\"version\":1";
        return wire->redis;
    case ASKED:
    case UNANSWERED:
        trap->point = point == UNANSWERED ? TCP_BEFORE_REPLY : TCP_BEFORE_REQUEST;
        trap->request = request != NULL ? request : point == ASKED ? scene->turn_sha : scene->effect_sha;
        if (victim == ASSIGN)
            trap->after = scene->round * 7; /* not always the first of the message */
        if (request == NULL)
            trap->point = TCP_BEFORE_REPLY;
        return request != NULL ? wire->api : wire->redis;
    case CUT_READ:
        trap->point = TCP_BEFORE_REPLY;
        trap->request = "XREADGROUP";
        trap->reply = victim == CLOSING ? "\"close\":true" : "\"version\":1";
        return wire->redis;
    case ANSWERED:
    case CUT_SETTLE:
    case HALF: trap->point = TCP_BEFORE_REQUEST; return wire->redis;
    case CUT_SETTLED:
    case SETTLED: trap->point = TCP_BEFORE_REPLY; return wire->redis;
    case POINTS: break;
    }
    return NULL;
}

static void lay_trap(struct scene *scene, enum point point, enum victim victim)
{
    struct tcp_catch trap;
    struct tcp_proxy *proxy = trap_of(scene, point, victim, &trap);

    tcp_proxy_catch(proxy, &trap);
}

/* Kills the victim if it has come to the point; another takes its place. Or its connection is reset, and it
 * lives. */
static bool dies(struct scene *scene, enum point point, enum victim victim)
{
    struct tcp_catch trap;
    struct tcp_proxy *proxy = trap_of(scene, point, victim, &trap);

    if (!tcp_proxy_has_caught(proxy))
        return false;
    if (point == HALF)
        tcp_proxy_release(proxy, TCP_HALVED);
    if (point < CUT_READ)
        pipeline_kill_worker(&scene->pipeline, victims[victim].stage, 0);
    tcp_proxy_release(proxy, TCP_DROPPED);
    if (point < CUT_READ)
        pipeline_start_worker(&scene->pipeline, victims[victim].stage, 0);
    scene->tallies[point][victim].kills++;
    return true;
}

/* What validate knows of the API's lists it has asked for long ago: all of it is forgotten. */
static void forget_lists(struct scene *scene)
{
    struct redis_reply *keys = desk_ask(&scene->pipeline.desk, "KEYS", "@cache:*", NULL);

    for (size_t i = 0; i < redis_count(keys); i++)
        (void)desk_number(&scene->pipeline.desk, "DEL", redis_text(redis_at(keys, i), NULL), NULL);
    redis_reply_free(keys);
    pipeline_kill_worker(&scene->pipeline, PIPELINE_VALIDATE, 0);
    pipeline_start_worker(&scene->pipeline, PIPELINE_VALIDATE, 0);
}

struct run {
    struct scene *scene;
    enum point point;
    bool is_dead[VICTIMS];
};

/* Whoever has come to the point dies. True once all of them have. */
static bool all_are_dead(void *user)
{
    struct run *run = user;
    bool are_all = true;

    for (int victim = 0; victim < VICTIMS; victim++) {
        bool is_laid = victim != CLOSING || run->is_dead[RECORDS] || !applies(run->point, RECORDS);

        if (!applies(run->point, victim) || run->is_dead[victim])
            continue;
        run->is_dead[victim] = is_laid && dies(run->scene, run->point, (enum victim)victim);
        are_all = are_all && run->is_dead[victim];
        if (run->is_dead[victim] && victim == RECORDS)
            lay_trap(run->scene, run->point, CLOSING);
    }
    return are_all;
}

static void add_up(struct run *run, const struct toll *toll)
{
    for (int victim = 0; victim < VICTIMS; victim++) {
        struct tally *tally = &run->scene->tallies[run->point][victim];

        if (!applies(run->point, victim))
            continue;
        tally->runs++;
        tally->toll.devices += toll->devices;
        tally->toll.lost += toll->lost;
        tally->toll.doubled += toll->doubled;
        tally->toll.repeated += toll->repeated;
    }
}

static void assert_all_died(const struct run *run)
{
    for (int victim = 0; victim < VICTIMS; victim++)
        if (applies(run->point, victim) && !run->is_dead[victim])
            fail_msg("%s never came to the point: %s", victims[victim].name, point_names[run->point]);
}

static void one_run(struct scene *scene, enum point point)
{
    struct pipeline *pipeline = &scene->pipeline;
    struct run run = { .scene = scene, .point = point };
    int devices = scene->deaths->devices;
    struct pipeline_result result;
    struct pipeline_push push;
    struct toll_mark mark;
    struct toll toll = { 0 };
    char prefix[8];

    snprintf(prefix, sizeof(prefix), "%c%02d", 'G' + (int)point, scene->round);
    if (point == ASKED || point == UNANSWERED)
        forget_lists(scene);
    toll_mark(pipeline, &mark);
    for (int victim = 0; victim < CLOSING; victim++)
        if (applies(point, victim))
            lay_trap(scene, point, (enum victim)victim);
    if (!applies(point, RECORDS))
        lay_trap(scene, point, CLOSING);
    pipeline_push_begin(pipeline, &push, pipeline_csv(pipeline, "devices.csv", prefix, devices), NULL);
    (void)proc_until(all_are_dead, &run, RUN_MS);
    assert_all_died(&run);
    pipeline_push_end(pipeline, &push, RUN_MS, &result);
    toll_take(pipeline, &mark, result.run, prefix, devices, &toll);
    add_up(&run, &toll);
    if (strcmp(result.state, "closed") != 0 || result.assigned != devices)
        fail_msg("%s: %lld of %d assigned, the run is %s", point_names[point], (long long)result.assigned,
                 devices, result.state);
}

static void print_table(const struct scene *scene)
{
    print_message("%-30s %-15s %5s %6s %8s %6s %8s %9s\n", "killed, or cut off, when", "stage", "runs",
                  "times", "devices", "lost", "doubled", "repeated*");
    for (int point = 0; point < POINTS; point++) {
        for (int victim = 0; victim < VICTIMS; victim++) {
            const struct tally *tally = &scene->tallies[point][victim];

            if (tally->runs > 0)
                print_message("%-30s %-15s %5d %6d %8lld %6lld %8lld %9lld\n", point_names[point],
                              victims[victim].name, tally->runs, tally->kills, (long long)tally->toll.devices,
                              (long long)tally->toll.lost, (long long)tally->toll.doubled,
                              (long long)tally->toll.repeated);
        }
    }
    print_message("* PUTs beyond one a device, which asked for what was so already\n");
}

static void assert_nothing_lost(const struct scene *scene)
{
    for (int point = 0; point < POINTS; point++) {
        for (int victim = 0; victim < VICTIMS; victim++) {
            const struct toll *toll = &scene->tallies[point][victim].toll;

            if (toll->lost != 0 || toll->doubled != 0)
                fail_msg("%s, %s: %lld lost, %lld doubled", point_names[point], victims[victim].name,
                         (long long)toll->lost, (long long)toll->doubled);
        }
    }
}

static void know_scripts(struct scene *scene)
{
    for (int victim = 0; victim < VICTIMS; victim++)
        snprintf(scene->settle_sha[victim], sizeof(scene->settle_sha[victim]), "%s",
                 wires_sha(&scene->pipeline, victims[victim].settle));
    snprintf(scene->turn_sha, sizeof(scene->turn_sha), "%s",
             wires_sha(&scene->pipeline, victims[CLOSING].turn));
    snprintf(scene->effect_sha, sizeof(scene->effect_sha), "%s",
             wires_sha(&scene->pipeline, victims[CLOSING].effect));
}

void deaths_run(const struct deaths *deaths)
{
    static const char *const sim[] = { "--propagation", "50", NULL };
    struct pipeline_options options = {
        .bin = deaths->bin,
        .stages = "  validate: { lease: 1s }\n  import: { lease: 1s }\n  assign: { lease: 1s }\n"
                  "  verify: { lease: 1s }\n  audit: { lease: 1s }\n",
        .api = "timeout: 400ms",
        .sim_options = sim,
    };
    static struct scene scene;

    scene = (struct scene){ .deaths = deaths };
    pipeline_start(&scene.pipeline, &options);
    wires_lay(&scene.wires, &scene.pipeline, NULL);
    know_scripts(&scene);
    pipeline_start_workers(&scene.pipeline);
    for (scene.round = 0; scene.round < deaths->rounds; scene.round++)
        for (int point = 0; point < POINTS; point++)
            one_run(&scene, (enum point)point);
    print_table(&scene);
    assert_nothing_lost(&scene);
    pipeline_assert_no_letters(&scene.pipeline);
    pipeline_assert_no_violations(&scene.pipeline);
    pipeline_assert_evidence_whole(&scene.pipeline);
    pipeline_assert_clean(&scene.pipeline);
    pipeline_assert_workers_run(&scene.pipeline);
    pipeline_stop_workers(&scene.pipeline, 10000);
    pipeline_stop(&scene.pipeline);
    wires_take_down(&scene.wires);
}
