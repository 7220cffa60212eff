#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/http_get.h"
#include "harness/sim.h"

#define START_MS    20000
#define STOP_MS     10000
#define ASK_MS      60000
#define OPTIONS_MAX 64
#define PORT_TRIES  5

static int ask(const struct abmsim *sim, const char *method, const char *path, const char *body,
               struct http_reply *reply, struct err *err)
{
    if (http_ask(sim->port, method, path, "Content-Type: application/json\r\n", body, ASK_MS, reply, err) !=
        0)
        return -1;
    if (reply->status != 200)
        return err_set(err, ERR_IO, 0, "%s %s: %d %.500s", method, path, reply->status,
                       reply->body.len > 0 ? reply->body.data : "");
    return 0;
}

int abmsim_control(const struct abmsim *sim, const char *method, const char *path, const char *body,
                   struct err *err)
{
    struct http_reply reply;
    int rc;

    http_reply_init(&reply);
    rc = ask(sim, method, path, body, &reply, err);
    http_reply_release(&reply);
    return rc;
}

int abmsim_get(const struct abmsim *sim, const char *path, struct json **doc_r, struct err *err)
{
    struct http_reply reply;
    int rc;

    http_reply_init(&reply);
    rc = ask(sim, "GET", path, NULL, &reply, err);
    if (rc == 0)
        rc = json_parse(reply.body.data, reply.body.len, doc_r, err);
    http_reply_release(&reply);
    return rc;
}

static bool is_up_or_gone(void *user)
{
    struct abmsim *sim = user;
    struct err err = ERR_INIT;

    return proc_wait(&sim->proc, 0) || abmsim_control(sim, "GET", "/sim/health", NULL, &err) == 0;
}

int abmsim_restart(struct abmsim *sim, struct err *err)
{
    const char *argv[OPTIONS_MAX + 4] = { sim->program, "--port" };
    char port[8];
    size_t count = 2;

    snprintf(port, sizeof(port), "%d", sim->port);
    argv[count++] = port;
    for (size_t i = 0; sim->options && sim->options[i]; i++) {
        if (i == OPTIONS_MAX)
            return err_set(err, ERR_LIMIT, 0, "more than %d options", OPTIONS_MAX);
        argv[count++] = sim->options[i];
    }
    if (proc_spawn(&sim->proc,
                   &(struct proc_options){
                       .argv = argv, .stdout_file = sim->log, .stderr_file = sim->log, .is_appended = true },
                   err) != 0)
        return -1;
    if (proc_until(is_up_or_gone, sim, START_MS) && sim->proc.pid != 0)
        return 0;
    proc_kill(&sim->proc);
    return err_set(err, ERR_ABM_UNREACHABLE, 0, "abmsim did not start: see %s", sim->log);
}

int abmsim_start(struct abmsim *sim, const char *program, const char *const *options, struct err *err)
{
    int rc = -1;

    *sim = (struct abmsim){ .program = program, .options = options };
    if (proc_temp_dir("abm-sim", sim->dir, sizeof(sim->dir), err) != 0) {
        sim->dir[0] = '\0';
        return -1;
    }
    snprintf(sim->log, sizeof(sim->log), "%s/abmsim.log", sim->dir);
    /* Another test may take the port between the look and the bind: then it ends at once, and another is
     * tried. */
    for (int i = 0; rc != 0 && i < PORT_TRIES; i++) {
        sim->port = proc_free_port(err);
        if (sim->port < 0)
            return -1;
        snprintf(sim->base_url, sizeof(sim->base_url), "http://127.0.0.1:%d", sim->port);
        rc = abmsim_restart(sim, err);
    }
    return rc;
}

int abmsim_stop(struct abmsim *sim)
{
    int status = proc_stop(&sim->proc, STOP_MS);

    proc_remove_dir(sim->dir);
    *sim = (struct abmsim){ 0 };
    return status;
}

void abmsim_kill(struct abmsim *sim)
{
    proc_kill(&sim->proc);
}

int abmsim_set_faults(const struct abmsim *sim, const char *rules, struct err *err)
{
    return abmsim_control(sim, "PUT", "/sim/faults", rules, err);
}

int abmsim_set(const struct abmsim *sim, const char *scenario, struct err *err)
{
    return abmsim_control(sim, "PUT", "/sim/scenario", scenario, err);
}

static void add_device(struct buf *body, const char *serial, const char *country, const char *blueprint,
                       const char *server)
{
    struct json_out out;

    json_out_init(&out, body);
    json_begin(&out, NULL, '{');
    json_add_string(&out, "serial", serial);
    if (country)
        json_add_string(&out, "country", country);
    json_add_string(&out, "blueprint_id", blueprint);
    json_add_string(&out, "mdm_server_id", server);
    json_end(&out, '}');
}

int abmsim_add_device(const struct abmsim *sim, const char *serial, const char *country,
                      const char *blueprint, const char *server, struct err *err)
{
    struct buf body;
    int rc;

    buf_init(&body, 4096);
    buf_add_str(&body, "{\"devices\":[");
    add_device(&body, serial, country, blueprint, server);
    buf_add_str(&body, "]}");
    rc = abmsim_control(sim, "POST", "/sim/devices", body.data, err);
    buf_release(&body);
    return rc;
}

int abmsim_assign(const struct abmsim *sim, const char *serial, const char *blueprint, const char *server,
                  struct err *err)
{
    struct buf body;
    int rc;

    buf_init(&body, 4096);
    add_device(&body, serial, NULL, blueprint, server);
    rc = abmsim_control(sim, "POST", "/sim/assign", body.data, err);
    buf_release(&body);
    return rc;
}

int abmsim_add_issuer_key(const struct abmsim *sim, const char *kid, const char *pem, struct err *err)
{
    struct json_out out;
    struct buf body;
    int rc;

    buf_init(&body, 65536);
    json_out_init(&out, &body);
    json_begin(&out, NULL, '{');
    json_add_string(&out, "kid", kid);
    json_add_string(&out, "public_key", pem);
    json_end(&out, '}');
    rc = buf_check(&body, "the key", err);
    if (rc == 0)
        rc = abmsim_control(sim, "POST", "/sim/issuer/key", body.data, err);
    buf_release(&body);
    return rc;
}

int64_t abmsim_stat(const struct abmsim *sim, const char *name, struct err *err)
{
    const char *dot = strchr(name, '.');
    const struct json *value;
    struct json *doc;
    char outer[64];
    int64_t number = 0;

    if (abmsim_get(sim, "/sim/stats", &doc, err) != 0)
        return -1;
    snprintf(outer, sizeof(outer), "%.*s", (int)(dot ? dot - name : (ptrdiff_t)strlen(name)), name);
    value = json_get(doc, outer);
    if (dot)
        value = json_get(value, dot + 1);
    if (!json_int(value, &number))
        number = 0;
    json_free(doc);
    return number;
}

int64_t abmsim_violations(const struct abmsim *sim, struct buf *text, struct err *err)
{
    struct json *doc;
    int64_t count = -1;

    if (abmsim_get(sim, "/sim/violations", &doc, err) != 0)
        return -1;
    if (!json_int(json_get(doc, "count"), &count))
        err_set(err, ERR_JSON_SHAPE, 0, "no count of violations");
    for (const struct json *item = json_first(json_get(doc, "violations")); item; item = json_next(item)) {
        buf_add_str(text, json_string(json_get(item, "text")));
        buf_add_char(text, '\n');
    }
    json_free(doc);
    return count;
}

static void copy_text(char *to, size_t size, const struct json *from)
{
    snprintf(to, size, "%s", json_string(from) ? json_string(from) : "");
}

static void read_device(const struct json *from, struct abmsim_device *device)
{
    const struct json *pending = json_get(from, "pending");

    *device = (struct abmsim_device){ 0 };
    copy_text(device->device_id, sizeof(device->device_id), json_get(from, "device_id"));
    copy_text(device->blueprint_id, sizeof(device->blueprint_id), json_get(from, "blueprint_id"));
    copy_text(device->mdm_server_id, sizeof(device->mdm_server_id), json_get(from, "mdm_server_id"));
    copy_text(device->state, sizeof(device->state), json_get(from, "state"));
    copy_text(device->pending_blueprint_id, sizeof(device->pending_blueprint_id),
              json_get(pending, "blueprint_id"));
    copy_text(device->pending_state, sizeof(device->pending_state), json_get(pending, "state"));
    json_int(json_get(from, "changes"), &device->changes);
    json_int(json_get(from, "puts_received"), &device->puts_received);
    json_int(json_get(from, "puts_changed"), &device->puts_changed);
}

int abmsim_device(const struct abmsim *sim, const char *serial, struct abmsim_device *device_r,
                  struct err *err)
{
    const struct json *first;
    struct json *doc;
    char path[96];
    int found;

    snprintf(path, sizeof(path), "/sim/assignments?serial=%.40s", serial);
    if (abmsim_get(sim, path, &doc, err) != 0)
        return -1;
    first = json_first(json_get(doc, "devices"));
    found = first ? 1 : 0;
    if (first)
        read_device(first, device_r);
    json_free(doc);
    return found;
}

int abmsim_each_device(const struct abmsim *sim,
                       void (*see)(void *user, const char *serial, const struct abmsim_device *device),
                       void *user, struct err *err)
{
    struct abmsim_device device;
    struct json *doc;

    if (abmsim_get(sim, "/sim/assignments", &doc, err) != 0)
        return -1;
    for (const struct json *item = json_first(json_get(doc, "devices")); item; item = json_next(item)) {
        read_device(item, &device);
        see(user, json_string(json_get(item, "serial")), &device);
    }
    json_free(doc);
    return 0;
}
