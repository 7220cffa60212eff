#include "harness/wires.h"

#include "harness/check.h"

#include <stdio.h>
#include <string.h>

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static void lay(struct wire *wire, struct pipeline *pipeline, const char *const *more)
{
    struct err err = ERR_INIT;
    size_t count = 0;

    must(tcp_proxy_start(pipeline->desk.server.port, TCP_RESP, &wire->redis, &err), &err);
    must(tcp_proxy_start(pipeline->sim.port, TCP_HTTP, &wire->api, &err), &err);
    snprintf(wire->redis_env, sizeof(wire->redis_env), "ABM_REDIS__URL=redis://127.0.0.1:%d/0",
             tcp_proxy_port(wire->redis));
    snprintf(wire->api_env, sizeof(wire->api_env), "ABM_ORGS__ACME__API__BASE_URL=http://127.0.0.1:%d",
             tcp_proxy_port(wire->api));
    wire->env[count++] = wire->redis_env;
    wire->env[count++] = wire->api_env;
    for (; more != NULL && *more != NULL; more++) {
        assert_true(count + 1 < WIRES_ENV_MAX);
        wire->env[count++] = *more;
    }
}

void wires_lay(struct wires *wires, struct pipeline *pipeline, const char *const *more)
{
    memset(wires, 0, sizeof(*wires));
    for (int stage = 0; stage < PIPELINE_STAGES; stage++) {
        for (int copy = 0; copy < pipeline->copies[stage]; copy++) {
            lay(&wires->at[stage][copy], pipeline, more);
            pipeline->env[stage][copy] = wires->at[stage][copy].env;
        }
    }
}

/* Calls act for each wire that is laid; returns the sum of what it says. */
static int64_t each(struct wires *wires, int64_t (*act)(struct wire *wire, const void *user),
                    const void *user)
{
    int64_t sum = 0;

    for (int stage = 0; stage < PIPELINE_STAGES; stage++)
        for (int copy = 0; copy < PIPELINE_COPIES_MAX; copy++)
            if (wires->at[stage][copy].redis != NULL)
                sum += act(&wires->at[stage][copy], user);
    return sum;
}

static int64_t take_down(struct wire *wire, const void *user)
{
    (void)user;
    tcp_proxy_stop(wire->redis);
    tcp_proxy_stop(wire->api);
    *wire = (struct wire){ 0 };
    return 1;
}

void wires_take_down(struct wires *wires)
{
    (void)each(wires, take_down, NULL);
}

static const struct tcp_weather fair;

static int64_t set_redis(struct wire *wire, const void *weather)
{
    tcp_proxy_set(wire->redis, weather);
    return 1;
}

void wires_redis(struct wires *wires, const struct tcp_weather *weather)
{
    (void)each(wires, set_redis, weather != NULL ? weather : &fair);
}

static int64_t set_api(struct wire *wire, const void *weather)
{
    tcp_proxy_set(wire->api, weather);
    return 1;
}

void wires_api(struct wires *wires, const struct tcp_weather *weather)
{
    (void)each(wires, set_api, weather != NULL ? weather : &fair);
}

static int64_t cut_redis(struct wire *wire, const void *is_reset)
{
    return tcp_proxy_cut(wire->redis, *(const bool *)is_reset);
}

int64_t wires_cut_redis(struct wires *wires, bool is_reset)
{
    return each(wires, cut_redis, &is_reset);
}

static int64_t cut_api(struct wire *wire, const void *is_reset)
{
    return tcp_proxy_cut(wire->api, *(const bool *)is_reset);
}

int64_t wires_cut_api(struct wires *wires, bool is_reset)
{
    return each(wires, cut_api, &is_reset);
}

static int64_t redis_connections(struct wire *wire, const void *user)
{
    (void)user;
    return tcp_proxy_connections(wire->redis);
}

int64_t wires_redis_connections(struct wires *wires)
{
    return each(wires, redis_connections, NULL);
}

const char *wires_sha(struct pipeline *pipeline, const char *text)
{
    return desk_text(&pipeline->desk, "SCRIPT", "LOAD", text, NULL);
}
