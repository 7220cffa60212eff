#include "targets.h"

#include "base/backoff.h"
#include "base/rand.h"

#define POOL_BYTES (16u * 1024 * 1024)
#define TRIES      4 /* at the first contact: some seconds in all */

int targets_init(struct targets *targets, struct ctl *ctl, const struct rules_file *rules, struct err *err)
{
    targets->ctl = ctl;
    targets->rules = rules;
    targets->pool = pool_new(POOL_BYTES);
    if (targets->pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    targets->at = pool_array(targets->pool, mapping_count(rules->mapping) + 1, sizeof(*targets->at));
    return targets->at != NULL ? 0 : pool_failed(targets->pool, err);
}

void targets_release(struct targets *targets)
{
    pool_free(targets->pool);
    targets->pool = NULL;
    targets->at = NULL;
}

/* --- asking the catalogs --- */

struct asking {
    struct targets *targets;
    const struct abm_api *api;
    const char *name; /* what is asked for */
    bool is_server;
    const char *id; /* out: as ABM has it; NULL: it has none */
};

static int ask(struct asking *asking, struct err *err)
{
    enum abm_known known;
    int rc;

    asking->id = NULL;
    if (asking->is_server)
        return abm_api_server_find(asking->api, asking->name, asking->targets->pool, &asking->id, &known,
                                   err);
    rc = abm_api_blueprint_known(asking->api, asking->name, &known, err);
    if (rc == 0 && known == ABM_KNOWN)
        asking->id = asking->name;
    return rc;
}

static bool may_pass(const struct err *why)
{
    switch (why->code) {
    case ERR_ABM_UNAUTHORIZED:
    case ERR_ABM_FORBIDDEN:
    case ERR_ABM_GONE: return false;
    case ERR_ABM_RATE:
    case ERR_BREAKER_OPEN: return true;
    default: return err_class_of(why->code) == ERR_CLASS_SERVICE;
    }
}

/* A request that failed may be the network's mood; who cannot reach ABM at all is told so soon. */
static int ask_again(struct asking *asking, struct err *err)
{
    struct ctl *ctl = asking->targets->ctl;

    for (int attempt = 1;; attempt++) {
        struct err why = ERR_INIT;

        if (ask(asking, &why) == 0)
            return 0;
        if (ctl_is_stopped(ctl))
            return err_set(err, ERR_STOPPED, 0, "stopped while reading ABM's blueprints and servers");
        if (ctl_is_passing(&why)) {
            if (ctl_outlast(ctl, &why, err) != 0)
                return -1;
            continue;
        }
        if (attempt == TRIES || !may_pass(&why)) {
            *err = why;
            return err_prefix(err, asking->is_server ? "cannot read the MDM servers"
                                                     : "cannot read the blueprints");
        }
        ctl_progress(ctl, "waiting for ABM: %s", why.text);
        if (ctl_wait(ctl, backoff_ms(500, 5000, attempt, rand_u32())))
            return err_set(err, ERR_STOPPED, 0, "stopped while waiting for ABM");
    }
}

/* --- telling --- */

static int tell_json(const struct mapping_rule *rule, enum err_code code, const char *text, int64_t devices,
                     struct err *err)
{
    struct json_out json;
    struct buf line;
    int rc;

    buf_init(&line, 64 * 1024);
    json_out_init(&json, &line);
    json_begin(&json, NULL, '{');
    json_add_int(&json, "rule", (int64_t)rule->number);
    json_add_int(&json, "line", (int64_t)rule->line);
    json_add_int(&json, "devices", devices);
    json_add_string(&json, "code", err_wire(code));
    json_add_string(&json, "text", text);
    json_end(&json, '}');
    rc = buf_check(&line, "what ABM lacks", err);
    if (rc == 0)
        fprintf(stderr, "%s\n", line.data);
    buf_release(&line);
    return rc;
}

static int tell_lack(const struct targets *targets, const struct mapping_rule *rule, const char *name,
                     bool is_server, int64_t devices, struct err *err)
{
    enum err_code code = is_server ? ERR_SERVER_UNKNOWN : ERR_BLUEPRINT_UNKNOWN;
    bool is_setting = is_server && rule->mdm_server == NULL;
    char text[1024];

    snprintf(text, sizeof(text), "%s:%zu: %s%zu %s %s, which ABM does not have: %lld device%s rejected",
             targets->rules->path, rule->line, is_setting ? "for rule " : "rule ", rule->number,
             is_setting  ? "the setting mdm_server names MDM server"
             : is_server ? "names MDM server"
                         : "names blueprint",
             name, (long long)devices, devices == 1 ? " is" : "s are");
    if (targets->ctl->is_json)
        return tell_json(rule, code, text, devices, err);
    ctl_say(targets->ctl, "%s", text);
    return 0;
}

/* --- the rules --- */

static int find_target(struct targets *targets, const struct abm_api *api, const struct mapping_rule *rule,
                       int64_t devices, struct err *err)
{
    struct target *target = &targets->at[rule->number - 1];
    struct asking asking = { .targets = targets, .api = api, .name = rule->blueprint_id };
    const char *server = rule->mdm_server != NULL ? rule->mdm_server : targets->ctl->org->mdm_server;

    target->blueprint_id = rule->blueprint_id;
    if (ask_again(&asking, err) != 0)
        return -1;
    if (asking.id == NULL)
        return tell_lack(targets, rule, rule->blueprint_id, false, devices, err);
    target->is_usable = true;
    if (server == NULL)
        return 0;
    asking.name = server;
    asking.is_server = true;
    if (ask_again(&asking, err) != 0)
        return -1;
    target->server_id = asking.id;
    target->is_usable = asking.id != NULL;
    return target->is_usable ? 0 : tell_lack(targets, rule, server, true, devices, err);
}

int targets_find(struct targets *targets, const struct abm_api *api, const int64_t *by_rule, struct err *err)
{
    const struct mapping *mapping = targets->rules->mapping;

    for (size_t i = 0; i < mapping_count(mapping); i++)
        if (by_rule[i] > 0 && find_target(targets, api, mapping_at(mapping, i), by_rule[i], err) != 0)
            return -1;
    return 0;
}

const struct target *targets_at(const struct targets *targets, const struct mapping_rule *rule)
{
    return &targets->at[rule->number - 1];
}

int64_t targets_untargeted(const struct targets *targets, const int64_t *by_rule)
{
    int64_t count = 0;

    for (size_t i = 0; i < mapping_count(targets->rules->mapping); i++)
        if (!targets->at[i].is_usable)
            count += by_rule[i];
    return count;
}
