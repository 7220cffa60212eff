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

#define EACH_WIRE(wire)                                                                                      \
    for (struct wire *wire = &wires->at[0][0]; wire < &wires->at[PIPELINE_STAGES][0]; wire++)                \
        if (wire->redis != NULL)

void wires_take_down(struct wires *wires)
{
    EACH_WIRE(wire)
    {
        tcp_proxy_stop(wire->redis);
        tcp_proxy_stop(wire->api);
        *wire = (struct wire){ 0 };
    }
}

static const struct tcp_weather fair;

void wires_redis(struct wires *wires, const struct tcp_weather *weather)
{
    EACH_WIRE(wire)
    tcp_proxy_set(wire->redis, weather != NULL ? weather : &fair);
}

void wires_api(struct wires *wires, const struct tcp_weather *weather)
{
    EACH_WIRE(wire)
    tcp_proxy_set(wire->api, weather != NULL ? weather : &fair);
}

int wires_cut_redis(struct wires *wires, bool is_reset)
{
    int count = 0;

    EACH_WIRE(wire)
    count += tcp_proxy_cut(wire->redis, is_reset);
    return count;
}

int wires_cut_api(struct wires *wires, bool is_reset)
{
    int count = 0;

    EACH_WIRE(wire)
    count += tcp_proxy_cut(wire->api, is_reset);
    return count;
}

int64_t wires_redis_connections(struct wires *wires)
{
    int64_t count = 0;

    EACH_WIRE(wire)
    count += tcp_proxy_connections(wire->redis);
    return count;
}

const char *wires_sha(struct pipeline *pipeline, const char *text)
{
    return desk_text(&pipeline->desk, "SCRIPT", "LOAD", text, NULL);
}
