/*
 * vault-stand-in: a stand-in for Vault or OpenBao as a process of its own, for tests in shell and for trying
 * things out. It is none: it keeps secrets in its memory, and they are gone with it (harness/vault_api.h).
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/fsio.h"
#include "base/str.h"
#include "harness/vault_server.h"

#define PEM_MAX_BYTES 65536

static const char usage[] =
    "usage: vault-stand-in [options]\n"
    "  --port N              listen on this port of 127.0.0.1 (default: a free one, which is printed)\n"
    "  --port-file FILE      write the port into this file too\n"
    "  --root-token TOKEN    a token that never ends\n"
    "  --role-id ID, --secret-id ID            the AppRole that may log in\n"
    "  --kubernetes-role ROLE, --kubernetes-jwt JWT   the service account that may log in\n"
    "  --mount NAME          of the KV engine (default secret)\n"
    "  --namespace NAME      the one that requests must name (default: the root's)\n"
    "  --lease SECONDS       of a login's token (default 1200)\n"
    "  --max-lease SECONDS   beyond which no renewal goes (default: no limit)\n"
    "  --certificate FILE, --key FILE          PEM: speak TLS\n"
    "  --help\n";

static const struct option long_options[] = {
    { "port", required_argument, NULL, 'p' },
    { "port-file", required_argument, NULL, 'f' },
    { "root-token", required_argument, NULL, 't' },
    { "role-id", required_argument, NULL, 'r' },
    { "secret-id", required_argument, NULL, 's' },
    { "kubernetes-role", required_argument, NULL, 'k' },
    { "kubernetes-jwt", required_argument, NULL, 'j' },
    { "mount", required_argument, NULL, 'm' },
    { "namespace", required_argument, NULL, 'n' },
    { "lease", required_argument, NULL, 'l' },
    { "max-lease", required_argument, NULL, 'x' },
    { "certificate", required_argument, NULL, 'c' },
    { "key", required_argument, NULL, 'y' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static int read_pem(const char *path, struct buf *text, const char **pem_r, struct err *err)
{
    if (fsio_read(path, text, err) != 0)
        return -1;
    *pem_r = text->data;
    return 0;
}

/* 0; 1: --help; -1. */
static int read_options(int argc, char **argv, struct vault_server_options *options, const char **port_file_r,
                        struct buf pems[2], struct err *err)
{
    int64_t port = 0;
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        bool is_right = true;

        switch (option) {
        case 'p': is_right = str_to_int(optarg, 0, 65535, &port); break;
        case 'f': *port_file_r = optarg; break;
        case 't': options->root_token = optarg; break;
        case 'r': options->role_id = optarg; break;
        case 's': options->secret_id = optarg; break;
        case 'k': options->kubernetes_role = optarg; break;
        case 'j': options->kubernetes_jwt = optarg; break;
        case 'm': options->mount = optarg; break;
        case 'n': options->name_space = optarg; break;
        case 'l': is_right = str_to_int(optarg, 1, INT32_MAX, &options->lease_s); break;
        case 'x': is_right = str_to_int(optarg, 0, INT32_MAX, &options->max_lease_s); break;
        case 'c':
            if (read_pem(optarg, &pems[0], &options->certificate, err) != 0)
                return -1;
            break;
        case 'y':
            if (read_pem(optarg, &pems[1], &options->key, err) != 0)
                return -1;
            break;
        case 'h': return 1;
        default: return err_set(err, ERR_USAGE, 0, "see --help");
        }
        if (!is_right)
            return err_set(err, ERR_USAGE, 0, "'%s' is no number that the option takes", optarg);
    }
    options->port = (int)port;
    if (optind < argc)
        return err_set(err, ERR_USAGE, 0, "'%s' is no option", argv[optind]);
    return !options->certificate == !options->key
               ? 0
               : err_set(err, ERR_USAGE, 0, "--certificate and --key go together");
}

static int serve(const struct vault_server_options *options, const char *port_file, struct err *err)
{
    struct vault_server *server;
    char port[8];
    sigset_t stops;
    int rc = 0, len, got;

    /* Before any thread is there, so that all of them leave the signals to this one. */
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    sigprocmask(SIG_BLOCK, &stops, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (vault_server_start(options, &server, err) != 0)
        return -1;
    printf("a stand-in for Vault, in memory: %s\n", vault_server_url(server));
    fflush(stdout);
    len = snprintf(port, sizeof(port), "%d\n", vault_server_port(server));
    if (port_file)
        rc = fsio_write(port_file, port, (size_t)len, 0644, err);
    if (rc == 0)
        sigwait(&stops, &got);
    vault_server_stop(server);
    return rc;
}

int main(int argc, char **argv)
{
    struct vault_server_options options = { 0 };
    const char *port_file = NULL;
    struct err err = ERR_INIT;
    struct buf pems[2];
    int rc;

    buf_init(&pems[0], PEM_MAX_BYTES);
    buf_init(&pems[1], PEM_MAX_BYTES);
    rc = read_options(argc, argv, &options, &port_file, pems, &err);
    if (rc == 1) {
        fputs(usage, stdout);
        rc = 0;
    } else if (rc == 0) {
        rc = serve(&options, port_file, &err);
    }
    buf_release(&pems[0]);
    buf_release(&pems[1]);
    if (rc == 0)
        return 0;
    fprintf(stderr, "vault-stand-in: %s\n", err.text);
    return err_exit_status(err.code);
}
