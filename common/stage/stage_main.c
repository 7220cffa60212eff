#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/dump.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/start.h"
#include "queue/stream.h"
#include "stage/health_check.h"
#include "stage/redis_settings.h"
#include "stage/worker.h"

#define SAY_EVERY_MS 60000

struct options {
    const char *config, *org;
    enum log_level level;
    bool is_json, is_health;
};

/* Signals reach the loop by these: a counter, and a pipe that wakes what waits. */
static volatile sig_atomic_t stop_count;
static int stop_pipe[2] = { -1, -1 };

static void on_stop(int sig)
{
    int saved = errno;

    (void)sig;
    /* The second time: at once, with nothing deleted. What is in hand comes back when its lease has run out.
     */
    if (++stop_count > 1)
        _exit(0);
    if (write(stop_pipe[1], "s", 1) < 0) {
        /* the pipe is full: it wakes anyway */
    }
    errno = saved;
}

bool worker_is_stopping(void *unused)
{
    (void)unused;
    return stop_count > 0;
}

void worker_rest(int64_t ms)
{
    struct pollfd wait = { .fd = stop_pipe[0], .events = POLLIN };

    (void)poll(&wait, 1, ms > 0 ? (int)ms : 0);
}

static int take_signals(struct err *err)
{
    struct sigaction action = { .sa_handler = on_stop };

    if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_set(err, ERR_IO, errno, "cannot make a pipe");
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    return 0;
}

static void print_help(const struct stage *stage)
{
    printf("abm-%s: %s\n\n"
           "usage: abm-%s [--config FILE] [--org NAME] [--log-level LEVEL] [--log-json]\n"
           "       abm-%s --health\n\n"
           "  --config FILE      settings (default: $ABM_CONFIG, else config/pipeline.yaml)\n"
           "  --org NAME         organization (default: $ABM_ORG, else the only one)\n"
           "  --log-level LEVEL  error, warn, info (default), debug or trace\n"
           "  --log-json         one JSON object a line (default where stderr is no terminal)\n"
           "  --log-text         plain lines (default on a terminal)\n"
           "  --health           exit 0 where a worker of this stage on this host is alive and connected\n"
           "  --version, --help\n\n"
           "SIGTERM: finishes what is decided, gives the rest back, exits 0. A second one: exits at once.\n",
           stage->name, stage->help != NULL ? stage->help : "a stage of the pipeline", stage->name,
           stage->name);
}

/* 1: run; 0: done (help, version); -1: err. */
static int read_options(int argc, char **argv, const struct stage *stage, struct options *options,
                        struct err *err)
{
    static const struct option longs[] = {
        { "config", required_argument, NULL, 'c' },
        { "org", required_argument, NULL, 'o' },
        { "log-level", required_argument, NULL, 'l' },
        { "log-json", no_argument, NULL, 'j' },
        { "log-text", no_argument, NULL, 't' },
        { "health", no_argument, NULL, 'H' },
        { "version", no_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    *options = (struct options){ .level = LOG_LEVEL_INFO, .is_json = !isatty(STDERR_FILENO) };
    opterr = 0;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'c': options->config = optarg; break;
        case 'o': options->org = optarg; break;
        case 'l':
            if (log_level_parse(optarg, &options->level) != 0)
                return err_set(err, ERR_USAGE, 0, "--log-level %s: want error, warn, info, debug or trace",
                               optarg);
            break;
        case 'j': options->is_json = true; break;
        case 't': options->is_json = false; break;
        case 'H': options->is_health = true; break;
        case 'V': printf("abm-%s %s\n", stage->name, ABM_VERSION); return 0;
        case 'h': print_help(stage); return 0;
        default:
            return err_set(err, ERR_USAGE, 0, "%s: no such option, or it lacks its value", argv[optind - 1]);
        }
    }
    if (optind < argc)
        return err_set(err, ERR_USAGE, 0, "'%s': a stage takes options only", argv[optind]);
    return 1;
}

extern char **environ;

static void warn(const char *event, const char *text)
{
    log_warn(event, "text", text, NULL);
}

static int read_settings(struct worker *worker, const struct options *options, struct err *err)
{
    const char *org = options->org != NULL ? options->org : getenv("ABM_ORG");
    int index = stage_index_of(worker->stage->name);

    if (settings_load(settings_find_path(options->config), environ, &worker->settings, err) != 0 ||
        settings_org(worker->settings, org, &worker->org, err) != 0)
        return -1;
    worker->own = &worker->settings->stages[index];
    if (worker->stage->next != NULL)
        worker->next_own = &worker->settings->stages[stage_index_of(worker->stage->next)];
    keys_init(&worker->keys, worker->org->name);
    return worker->stage->crypto->secrets_open(worker->settings, warn, err);
}

static void name_worker(struct worker *worker)
{
    char chance[17];

    if (gethostname(worker->host, sizeof(worker->host) - 1) != 0)
        snprintf(worker->host, sizeof(worker->host), "localhost");
    for (char *c = worker->host; *c != '\0'; c++)
        if (*c == '|' || *c == ' ') /* they part fields of the limiter's queue */
            *c = '_';
    rand_hex16(worker->uid_prefix);
    snprintf(worker->consumer, sizeof(worker->consumer), "%s-%s-%d-%s", worker->stage->name, worker->host,
             (int)getpid(), rand_hex16(chance));
}

/* Without whom a secret is asked of nothing can begin: waited for, with what it says. */
static int await_secret(const struct worker *worker, const char *reference, void **secret_r, struct err *err)
{
    const struct stage_crypto *crypto = worker->stage->crypto;
    int64_t said_ms = 0;

    for (int attempt = 1;; attempt++) {
        if (worker_is_stopping(NULL))
            return err_set(err, ERR_STOPPED, 0, "told to stop while a secret was waited for");
        err_reset(err);
        if (crypto->secret_open(reference, worker->settings->secrets_allow_mount_mode, secret_r, err) == 0)
            return 0;
        if (err_class_of(err->code) != ERR_CLASS_SERVICE)
            return -1;
        if (attempt == 1 || clock_boot_ms() - said_ms >= SAY_EVERY_MS) {
            said_ms = clock_boot_ms();
            log_err(LOG_LEVEL_WARN, "secret_awaited", err, NULL);
        }
        worker_rest(backoff_ms(100, 5000, attempt, rand_u32()));
    }
}

/* *text_r: NULL where no secret is set. */
static int open_secret(const struct worker *worker, const char *setting, const char *reference,
                       void **secret_r, const char **text_r, struct err *err)
{
    const struct stage_crypto *crypto = worker->stage->crypto;

    if (reference != NULL && await_secret(worker, reference, secret_r, err) != 0)
        return err_prefix(err, "%s", setting);
    *text_r = *secret_r != NULL ? crypto->secret_text(*secret_r) : NULL;
    return 0;
}

static int open_redis(struct worker *worker, struct err *err)
{
    const struct settings *settings = worker->settings;
    const char *password, *sentinel;

    if (open_secret(worker, "redis.password", settings->redis_password, &worker->password, &password, err) !=
            0 ||
        open_secret(worker, "redis.sentinel_password", settings->redis_sentinel_password,
                    &worker->sentinel_password, &sentinel, err) != 0)
        return -1;
    worker->redis_settings = redis_settings_of(settings, password, sentinel);
    worker->redis_settings.name = worker->consumer;
    worker->redis_settings.key = worker->keys.prefix;
    return redis_new(&worker->redis_settings, &worker->redis, err);
}

static int64_t env_now_ms(void *clock)
{
    return worker_now_ms(clock);
}

/* A note is kept under its message's uid; and a message that has one must have it removed in its settle. */
static const char *uid_of_fence(void *ctx, const struct fence *fence)
{
    struct worker *worker = ctx;

    for (size_t i = 0; i < worker->hand_count; i++) {
        if (strcmp(worker->hand[i]->id, fence->id) != 0)
            continue;
        worker->hand[i]->may_have_note = true;
        return worker->hand[i]->message.uid;
    }
    return "none";
}

/* Asked at least every two seconds by whatever waits for a slot of the limiter: a batch that waits long for
 * its turn, or for the end of a 429's pause, is no worker that hangs. */
static bool is_stopping_and_alive(void *stop)
{
    struct worker *worker = stop;

    lease_moved(worker->lease);
    return stop_count > 0;
}

static void fill_env(struct worker *worker)
{
    const struct rate_limit *limit = &worker->org->rate_limit;
    struct shared *shared = &worker->shared;

    *shared = (struct shared){
        .redis = worker->redis,
        .keys = &worker->keys,
        .stage = worker->stage->name,
        .consumer = worker->consumer,
        .rate = limiter_rate_of(limit->requests, limit->per_ms, limit->burst),
        .max_changes = worker->org->max_changes.is_set ? worker->org->max_changes.value : -1,
        .max_parked = worker->own->max_parked,
        .is_stopping = is_stopping_and_alive,
        .stop = worker,
        .uid_of = uid_of_fence,
        .uid_ctx = worker,
    };
    worker->env = (struct stage_env){
        .stage = worker->stage->name,
        .settings = worker->settings,
        .org = worker->org,
        .own = worker->own,
        .limiter = shared_limiter(shared),
        .cache = shared_cache(shared),
        .notes = shared_notes(shared),
        .brake = shared_brake(shared),
        .health = shared_health(shared),
        .runbook = shared_runbook(shared),
        .chain = shared_chain(shared),
        .sealed = shared_sealed(shared),
        .consumer = worker->consumer,
        .version = ABM_VERSION,
        .now_ms = env_now_ms,
        .clock = worker,
        .is_stopping = is_stopping_and_alive,
        .stop = worker,
    };
}

static int start(struct worker *worker, struct err *err)
{
    struct lease_settings lease = {
        .redis = &worker->redis_settings,
        .keys = &worker->keys,
        .stage = worker->stage->name,
        .consumer = worker->consumer,
        .lease_ms = worker->own->lease_ms,
        .max_hold_ms = worker->own->max_hold_ms,
    };

    name_worker(worker);
    if (open_redis(worker, err) != 0 || lease_start(&lease, &worker->lease, err) != 0 ||
        worker_connect(worker, true, err) != 0)
        return -1;
    fill_env(worker);
    worker->devices_a_message = MESSAGE_MAX_DEVICES;
    worker->started_ms = clock_real_ms();
    worker->why = "starting";
    return worker->stage->open(&worker->env, &worker->state, err);
}

/* What is in hand goes back, the consumer goes where nothing is pending for it. */
static void leave(struct worker *worker)
{
    struct err err = ERR_INIT;
    int rc = 0;

    if (!redis_is_connected(worker->redis) && redis_connect(worker->redis, &err) != 0)
        rc = -1;
    if (rc == 0)
        rc = worker_put_back_hand(worker, &err);
    if (rc == 0)
        rc = stream_leave(worker->redis, &worker->keys, worker->stage->name, worker->consumer, &err);
    if (rc < 0)
        log_err(LOG_LEVEL_WARN, "left_untidily", &err, "text",
                "what was in hand comes back when its lease runs out", NULL);
}

static void release(struct worker *worker)
{
    if (worker->state != NULL)
        worker->stage->close(worker->state);
    lease_stop(worker->lease);
    for (size_t i = 0; i < worker->hand_count; i++)
        held_free(worker->hand[i]);
    free(worker->hand);
    redis_free(worker->redis);
    worker->stage->crypto->secret_release(worker->password);
    worker->stage->crypto->secret_release(worker->sentinel_password);
    worker->stage->crypto->secrets_close();
    settings_free(worker->settings);
}

static int fail(struct worker *worker, const struct err *err)
{
    log_err(LOG_LEVEL_ERROR, "cannot_start", err, NULL);
    release(worker);
    return err_exit_status(err->code);
}

/* Each message needs the same memory again: what is given back to the kernel after it is cleared anew, page
 * by page, before the next. */
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 512 * 1024);
    mallopt(M_TRIM_THRESHOLD, 2 * 1024 * 1024);
}

int stage_main(int argc, char **argv, const struct stage *stage)
{
    struct worker worker = { .stage = stage };
    struct err err = ERR_INIT;
    struct options options;
    int rc;

    start_process();
    rc = read_options(argc, argv, stage, &options, &err);
    if (rc == 0)
        return 0;
    log_init(stage->name, options.level, options.is_json);
    if (rc < 0 || take_signals(&err) != 0)
        return fail(&worker, &err);
    keep_memory();
    dump_forbid(); /* a core would hold the token */
    if (read_settings(&worker, &options, &err) != 0)
        return fail(&worker, &err);
    if (options.is_health) {
        rc = health_check(worker.settings, worker.org, stage, &err);
        if (rc != 0)
            log_err(LOG_LEVEL_ERROR, "unhealthy", &err, NULL);
        release(&worker);
        return rc == 0 ? 0 : 1;
    }
    if (start(&worker, &err) != 0) {
        if (err.code != ERR_STOPPED)
            return fail(&worker, &err);
        release(&worker); /* before anything was begun */
        return 0;
    }
    log_info("started", "org", worker.org->name, "consumer", worker.consumer, "version", ABM_VERSION, NULL);
    (void)worker_run(&worker, &err);
    leave(&worker);
    log_info("stopped", "handled", log_int(worker.handled), NULL);
    release(&worker);
    return 0;
}
