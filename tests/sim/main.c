/*
 * abmsim: a simulator of the ABM API for tests, demonstrations and trying things out.
 * What it does, its options and its faults are in README.md beside this file.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/str.h"
#include "server.h"

#define PEM_MAX_BYTES 65536

static const char usage[] =
    "usage: abmsim [options]\n"
    "  --port N              listen on this port; 0, the default: on a free one, which is printed\n"
    "  --port-file FILE      write the port into this file too\n"
    "  --listen ADDRESS      listen on this IPv4 address (default 127.0.0.1)\n"
    "  --rate REQUESTS/SECONDS   limit the rate, as 100/60 (default: no limit)\n"
    "  --burst N             requests that may come at once (default 1)\n"
    "  --retry-after FORM    how a 429 tells when to come back: seconds (default), date, none\n"
    "  --propagation MS      an assignment takes effect after this time (default 0: at once)\n"
    "  --show-older          reads show what is in effect until a change is\n"
    "  --token TOKEN         the one good bearer token (default: any)\n"
    "  --issuer-key KID=FILE a public key (PEM, P-256) whose JWTs are exchanged for tokens; may be repeated\n"
    "  --issuer-id ID        the iss that those must have (default: any)\n"
    "  --token-life SECONDS  no token of the issuer lives longer (default: as long as was asked for)\n"
    "  --blueprints ID[=NAME],...   the organization's blueprints\n"
    "  --servers ID[=NAME],...      the organization's MDM servers\n"
    "  --devices-known FILE  lines SERIAL[,COUNTRY[,BLUEPRINT[,SERVER]]]: devices that are there already\n"
    "  --scenario FILE       settings and faults as JSON\n"
    "  --seed N              of the chance in faults (default 1)\n"
    "  --help\n";

enum option_id {
    OPT_PORT = 1,
    OPT_PORT_FILE,
    OPT_LISTEN,
    OPT_RATE,
    OPT_BURST,
    OPT_RETRY_AFTER,
    OPT_PROPAGATION,
    OPT_SHOW_OLDER,
    OPT_TOKEN,
    OPT_ISSUER_KEY,
    OPT_ISSUER_ID,
    OPT_TOKEN_LIFE,
    OPT_BLUEPRINTS,
    OPT_SERVERS,
    OPT_DEVICES,
    OPT_SCENARIO,
    OPT_SEED,
    OPT_HELP,
};

static const struct option long_options[] = {
    { "port", required_argument, NULL, OPT_PORT },
    { "port-file", required_argument, NULL, OPT_PORT_FILE },
    { "listen", required_argument, NULL, OPT_LISTEN },
    { "rate", required_argument, NULL, OPT_RATE },
    { "burst", required_argument, NULL, OPT_BURST },
    { "retry-after", required_argument, NULL, OPT_RETRY_AFTER },
    { "propagation", required_argument, NULL, OPT_PROPAGATION },
    { "show-older", no_argument, NULL, OPT_SHOW_OLDER },
    { "token", required_argument, NULL, OPT_TOKEN },
    { "issuer-key", required_argument, NULL, OPT_ISSUER_KEY },
    { "issuer-id", required_argument, NULL, OPT_ISSUER_ID },
    { "token-life", required_argument, NULL, OPT_TOKEN_LIFE },
    { "blueprints", required_argument, NULL, OPT_BLUEPRINTS },
    { "servers", required_argument, NULL, OPT_SERVERS },
    { "devices-known", required_argument, NULL, OPT_DEVICES },
    { "scenario", required_argument, NULL, OPT_SCENARIO },
    { "seed", required_argument, NULL, OPT_SEED },
    { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

struct options {
    int64_t port;
    const char *port_file, *listen, *devices, *scenario;
    bool is_help;
};

static int wrong_value(int option, struct err *err)
{
    const char *name = "";

    for (const struct option *row = long_options; row->name; row++) {
        if (row->val == option)
            name = row->name;
    }
    return err_set(err, ERR_USAGE, 0, "--%s does not take '%s'", name, optarg);
}

/* KID=FILE. A kid may have a '=' of its own, a path hardly: the last one parts them. */
static int add_issuer_key(struct sim *sim, const char *text, struct err *err)
{
    const char *equals = strrchr(text, '=');
    char kid[JWT_KEY_ID_MAX + 2];
    struct buf pem;
    int rc = -1;

    if (!equals)
        return err_set(err, ERR_USAGE, 0, "--issuer-key takes KID=FILE, not '%s'", text);
    snprintf(kid, sizeof(kid), "%.*s", (int)(equals - text), text);
    buf_init(&pem, PEM_MAX_BYTES);
    if (fsio_read(equals + 1, &pem, err) == 0 &&
        issuer_add_key(&sim->issuer, kid, pem.data ? pem.data : "", pem.len, err) == 0)
        rc = 0;
    buf_release(&pem);
    return rc;
}

static int take_option(int option, struct options *options, struct sim *sim, struct err *err)
{
    int64_t number;
    bool is_right = true;

    switch (option) {
    case OPT_PORT: is_right = str_to_int(optarg, 0, 65535, &options->port); break;
    case OPT_PORT_FILE: options->port_file = optarg; break;
    case OPT_LISTEN: options->listen = optarg; break;
    case OPT_RATE: is_right = sim_read_rate(sim, optarg); break;
    case OPT_BURST: is_right = str_to_int(optarg, 1, 1000000, &sim->burst); break;
    case OPT_RETRY_AFTER: is_right = retry_after_read(optarg, &sim->retry_after, &number); break;
    case OPT_PROPAGATION:
        is_right = str_to_int(optarg, 0, 86400000, &number);
        sim->propagation_us = is_right ? number * 1000 : 0;
        break;
    case OPT_SHOW_OLDER: sim->shows_older = true; break;
    case OPT_TOKEN:
        is_right = strlen(optarg) <= TOKEN_MAX;
        if (is_right)
            strcpy(sim->token, optarg);
        break;
    case OPT_ISSUER_KEY: return add_issuer_key(sim, optarg, err);
    case OPT_ISSUER_ID:
        is_right = strlen(optarg) <= ISSUER_ID_MAX;
        if (is_right)
            strcpy(sim->issuer.issuer_id, optarg);
        break;
    case OPT_TOKEN_LIFE: is_right = str_to_int(optarg, 1, INT32_MAX, &sim->issuer.token_life_s); break;
    case OPT_BLUEPRINTS:
        catalog_release(&sim->blueprints);
        return catalog_add_text(&sim->blueprints, optarg, err);
    case OPT_SERVERS: catalog_release(&sim->servers); return catalog_add_text(&sim->servers, optarg, err);
    case OPT_DEVICES: options->devices = optarg; break;
    case OPT_SCENARIO: options->scenario = optarg; break;
    case OPT_SEED:
        is_right = str_to_int(optarg, 0, INT64_MAX, &number);
        sim->faults.random = is_right ? (uint64_t)number : 0;
        break;
    case OPT_HELP: options->is_help = true; break;
    default: return err_set(err, ERR_USAGE, 0, "see --help");
    }
    return is_right ? 0 : wrong_value(option, err);
}

static int read_options(int argc, char **argv, struct options *options, struct sim *sim, struct err *err)
{
    int option;

    *options = (struct options){ .listen = "127.0.0.1" };
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (take_option(option, options, sim, err) != 0)
            return -1;
    }
    return optind == argc ? 0 : err_set(err, ERR_USAGE, 0, "'%s' is no option", argv[optind]);
}

static int announce(const struct server *server, const struct options *options, struct err *err)
{
    char port[8];
    int len = snprintf(port, sizeof(port), "%d\n", server_port(server));

    printf("listening on %s:%d\n", options->listen, server_port(server));
    fflush(stdout);
    return options->port_file ? fsio_write(options->port_file, port, (size_t)len, 0644, err) : 0;
}

/* SIGTERM and SIGINT make it readable. */
static int open_stop_fd(struct err *err)
{
    sigset_t stops;
    int fd;

    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    sigprocmask(SIG_BLOCK, &stops, NULL);
    signal(SIGPIPE, SIG_IGN);
    fd = signalfd(-1, &stops, SFD_CLOEXEC);
    return fd >= 0 ? fd : err_set(err, ERR_IO, errno, "signalfd");
}

static int serve(struct sim *sim, const struct options *options, struct err *err)
{
    struct server *server;
    int stop_fd, rc = -1;

    if (options->scenario && sim_apply_file(sim, options->scenario, err) != 0)
        return -1;
    if (options->devices && sim_load_devices(sim, options->devices, err) != 0)
        return -1;
    sim_fill_bucket(sim);
    stop_fd = open_stop_fd(err);
    if (stop_fd < 0)
        return -1;
    if (server_new(sim, options->listen, (int)options->port, &server, err) == 0) {
        if (announce(server, options, err) == 0)
            rc = server_run(server, stop_fd, err);
        server_free(server);
    }
    close(stop_fd);
    return rc;
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct options options;
    struct sim sim;
    int rc = -1;

    if (sim_init(&sim, &err) == 0) {
        rc = read_options(argc, argv, &options, &sim, &err);
        if (rc == 0 && options.is_help)
            fputs(usage, stdout);
        else if (rc == 0)
            rc = serve(&sim, &options, &err);
        sim_release(&sim);
    }
    if (rc == 0)
        return 0;
    fprintf(stderr, "abmsim: %s\n", err.text);
    return err_exit_status(err.code);
}
