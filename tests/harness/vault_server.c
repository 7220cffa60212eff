#include "harness/vault_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "base/str.h"

#define LEASE_S        1200
#define BODY_MAX_BYTES (1u << 20)
#define CONNECTIONS    256

struct vault_server {
    pthread_mutex_t lock; /* of what follows, but for daemon, gone_fd, port and url */
    struct vault vault;
    int64_t ahead_ms; /* by which its clock is ahead of the machine's */
    struct vault_fault fault;
    char fault_path[VAULT_PATH_MAX];
    bool has_fault;

    struct MHD_Daemon *daemon; /* NULL: it is down */
    int gone_fd;               /* readable once it goes down, for those who wait in a delay */
    struct sockaddr_in at;
    int port;
    char url[64];
    char *certificate, *key;
};

static int64_t now_ms(const struct vault_server *server)
{
    return clock_real_ms() + server->ahead_ms;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static const char *query(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

/* True and *fault_r where this request meets the fault. */
static bool meet_fault(struct vault_server *server, const char *path, struct vault_fault *fault_r)
{
    bool is_met;

    pthread_mutex_lock(&server->lock);
    is_met = server->has_fault && (server->fault_path[0] != '\0' ? str_starts(path, server->fault_path)
                                                                 : strcmp(path, "/v1/sys/health") != 0);
    if (is_met) {
        *fault_r = server->fault;
        if (server->fault.times > 0 && --server->fault.times == 0)
            server->has_fault = false;
        if (fault_r->status != 0 || fault_r->is_cut)
            server->vault.counts.requests++;
    }
    pthread_mutex_unlock(&server->lock);
    return is_met;
}

static int perform(struct vault_server *server, struct MHD_Connection *connection, const char *method,
                   const char *path, const struct buf *sent, struct buf *body)
{
    const char *bearer = header(connection, "Authorization");
    struct vault_request request = {
        .method = method,
        .path = path,
        .token = header(connection, "X-Vault-Token"),
        .name_space = header(connection, "X-Vault-Namespace"),
        .version = query(connection, "version"),
        .is_list = str_eq(query(connection, "list"), "true"),
        .is_standby_ok = str_eq(query(connection, "standbyok"), "true"),
        .body = sent->data,
        .body_len = sent->len,
    };
    int status;

    if (!request.token && bearer && strncasecmp(bearer, "Bearer ", 7) == 0)
        request.token = bearer + 7;
    pthread_mutex_lock(&server->lock);
    status = sent->is_failed ? vault_answer_error(body, 413, "http: request body too large")
                             : vault_perform(&server->vault, &request, now_ms(server), body);
    pthread_mutex_unlock(&server->lock);
    return status;
}

static enum MHD_Result answer(struct vault_server *server, struct MHD_Connection *connection,
                              const char *method, const char *path, const struct buf *sent)
{
    struct pollfd gone = { .fd = server->gone_fd, .events = POLLIN };
    struct vault_fault fault = { 0 };
    struct MHD_Response *response;
    enum MHD_Result result;
    struct buf body;
    int status;

    if (meet_fault(server, path, &fault) && fault.delay_ms > 0 && poll(&gone, 1, (int)fault.delay_ms) != 0)
        return MHD_NO;
    if (fault.is_cut)
        return MHD_NO;
    buf_init(&body, 4 * BODY_MAX_BYTES);
    status = fault.status != 0 ? vault_answer_error(&body, fault.status, "as the test wants it")
                               : perform(server, connection, method, path, sent, &body);
    response = MHD_create_response_from_buffer(body.len, body.data, MHD_RESPMEM_MUST_COPY);
    buf_release(&body);
    if (!response)
        return MHD_NO;
    if (status != 204)
        MHD_add_response_header(response, "Content-Type", "application/json");
    result = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **sent_r)
{
    struct buf *sent = *sent_r;

    (void)version;
    if (!sent) {
        sent = *sent_r = calloc(1, sizeof(*sent));
        if (sent)
            buf_init(sent, BODY_MAX_BYTES);
        return sent ? MHD_YES : MHD_NO;
    }
    if (*upload_len > 0) {
        if (!sent->is_failed)
            buf_add(sent, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    return answer(user, connection, method, path, sent);
}

static void on_completed(void *user, struct MHD_Connection *connection, void **sent_r,
                         enum MHD_RequestTerminationCode reason)
{
    (void)user, (void)connection, (void)reason;
    if (*sent_r) {
        buf_release(*sent_r);
        free(*sent_r);
    }
    *sent_r = NULL;
}

int vault_server_up(struct vault_server *server, struct err *err)
{
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_MEM_CERT, 0, server->certificate },
        { MHD_OPTION_HTTPS_MEM_KEY, 0, server->key },
        { MHD_OPTION_END, 0, NULL },
    };
    struct MHD_OptionItem none = { MHD_OPTION_END, 0, NULL };

    if (server->daemon)
        return 0;
    server->gone_fd = eventfd(0, EFD_CLOEXEC);
    if (server->gone_fd < 0)
        return err_set(err, ERR_IO, errno, "eventfd");
    if (server->certificate)
        flags |= MHD_USE_TLS;
    server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR,
                                      &server->at, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
                                      MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_ARRAY,
                                      server->certificate ? tls : &none, MHD_OPTION_END);
    if (server->daemon)
        return 0;
    err_set(err, ERR_IO, errno, "the Vault stand-in cannot listen on port %d", ntohs(server->at.sin_port));
    close(server->gone_fd);
    return -1;
}

void vault_server_down(struct vault_server *server)
{
    uint64_t one = 1;

    if (!server->daemon)
        return;
    if (write(server->gone_fd, &one, sizeof(one)) != sizeof(one))
        abort(); /* an eventfd that takes no 1 is none */
    MHD_stop_daemon(server->daemon);
    close(server->gone_fd);
    server->daemon = NULL;
}

static int copy(char *to, size_t size, const char *from, const char *fallback, struct err *err)
{
    if (!from)
        from = fallback;
    if (strlen(from) >= size)
        return err_set(err, ERR_LIMIT, 0, "a text of more than %zu bytes for the Vault stand-in", size - 1);
    strcpy(to, from);
    return 0;
}

static int configure(struct vault_server *server, const struct vault_server_options *options, struct err *err)
{
    struct vault *vault = &server->vault;

    if (copy(vault->mount, sizeof(vault->mount), options->mount, "secret", err) != 0 ||
        copy(vault->name_space, sizeof(vault->name_space), options->name_space, "", err) != 0 ||
        copy(vault->approle_mount, sizeof(vault->approle_mount), options->approle_mount, "approle", err) !=
            0 ||
        copy(vault->kubernetes_mount, sizeof(vault->kubernetes_mount), options->kubernetes_mount,
             "kubernetes", err) != 0 ||
        vault_server_set_approle(server, options->role_id, options->secret_id, err) != 0 ||
        vault_server_set_kubernetes(server, options->kubernetes_role, options->kubernetes_jwt, err) != 0)
        return -1;
    vault->lease_s = options->lease_s > 0 ? options->lease_s : LEASE_S;
    vault->max_lease_s = options->max_lease_s;
    if (options->root_token)
        vault_tokens_add(&vault->tokens, options->root_token, "auth/token/root", 0, 0, clock_real_ms());
    server->certificate = options->certificate ? strdup(options->certificate) : NULL;
    server->key = options->key ? strdup(options->key) : NULL;
    server->at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)options->port) };
    if (inet_pton(AF_INET, options->address ? options->address : "127.0.0.1", &server->at.sin_addr) != 1)
        return err_set(err, ERR_USAGE, 0, "'%s' is no IPv4 address", options->address);
    return 0;
}

int vault_server_start(const struct vault_server_options *options, struct vault_server **server_r,
                       struct err *err)
{
    struct vault_server *server = calloc(1, sizeof(*server));

    if (!server)
        return err_set(err, ERR_NOMEM, 0, "the Vault stand-in");
    pthread_mutex_init(&server->lock, NULL);
    if (configure(server, options, err) != 0 || vault_server_up(server, err) != 0) {
        vault_server_stop(server);
        return -1;
    }
    server->port = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    server->at.sin_port = htons((uint16_t)server->port);
    snprintf(server->url, sizeof(server->url), "http%s://127.0.0.1:%d", server->certificate ? "s" : "",
             server->port);
    *server_r = server;
    return 0;
}

void vault_server_stop(struct vault_server *server)
{
    if (!server)
        return;
    vault_server_down(server);
    vault_release(&server->vault);
    pthread_mutex_destroy(&server->lock);
    free(server->certificate);
    free(server->key);
    free(server);
}

int vault_server_port(const struct vault_server *server)
{
    return server->port;
}

const char *vault_server_url(const struct vault_server *server)
{
    return server->url;
}

void vault_server_advance(struct vault_server *server, int64_t ms)
{
    pthread_mutex_lock(&server->lock);
    server->ahead_ms += ms;
    pthread_mutex_unlock(&server->lock);
}

void vault_server_seal(struct vault_server *server, bool is_sealed)
{
    pthread_mutex_lock(&server->lock);
    server->vault.is_sealed = is_sealed;
    pthread_mutex_unlock(&server->lock);
}

void vault_server_set_standby(struct vault_server *server, bool is_standby)
{
    pthread_mutex_lock(&server->lock);
    server->vault.is_standby = is_standby;
    pthread_mutex_unlock(&server->lock);
}

int vault_server_set_approle(struct vault_server *server, const char *role_id, const char *secret_id,
                             struct err *err)
{
    struct vault *vault = &server->vault;
    int rc;

    pthread_mutex_lock(&server->lock);
    rc = copy(vault->role_id, sizeof(vault->role_id), role_id, "", err);
    if (rc == 0)
        rc = copy(vault->secret_id, sizeof(vault->secret_id), secret_id, "", err);
    pthread_mutex_unlock(&server->lock);
    return rc;
}

int vault_server_set_kubernetes(struct vault_server *server, const char *role, const char *jwt,
                                struct err *err)
{
    struct vault *vault = &server->vault;
    int rc;

    pthread_mutex_lock(&server->lock);
    rc = copy(vault->kubernetes_role, sizeof(vault->kubernetes_role), role, "", err);
    if (rc == 0)
        rc = copy(vault->kubernetes_jwt, sizeof(vault->kubernetes_jwt), jwt, "", err);
    pthread_mutex_unlock(&server->lock);
    return rc;
}

void vault_server_revoke_all(struct vault_server *server)
{
    pthread_mutex_lock(&server->lock);
    vault_tokens_revoke_leased(&server->vault.tokens);
    pthread_mutex_unlock(&server->lock);
}

void vault_server_set_fault(struct vault_server *server, const struct vault_fault *fault)
{
    pthread_mutex_lock(&server->lock);
    server->has_fault = fault != NULL;
    if (fault) {
        server->fault = *fault;
        snprintf(server->fault_path, sizeof(server->fault_path), "%s", fault->path ? fault->path : "");
    }
    pthread_mutex_unlock(&server->lock);
}

int vault_server_put(struct vault_server *server, const char *path, const char *data, struct err *err)
{
    const struct vault_entry *entry;

    pthread_mutex_lock(&server->lock);
    entry = vault_store_put(&server->vault.store, path, data, -1, now_ms(server), err);
    pthread_mutex_unlock(&server->lock);
    return entry ? 0 : -1;
}

bool vault_server_get(struct vault_server *server, const char *path, struct buf *data_r, int64_t *version_r)
{
    const struct vault_version *last = NULL;
    struct vault_entry *entry;
    int64_t number = 0;

    pthread_mutex_lock(&server->lock);
    entry = vault_store_find(&server->vault.store, path);
    if (entry)
        last = vault_entry_version(entry, 0, &number);
    if (last && last->data && last->deleted_ms == 0)
        buf_add_str(data_r, last->data);
    else
        last = NULL;
    pthread_mutex_unlock(&server->lock);
    if (last && version_r)
        *version_r = number;
    return last != NULL;
}

bool vault_server_last_token(struct vault_server *server, char token_r[VAULT_TOKEN_MAX])
{
    const struct vault_token *found = NULL;

    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->vault.tokens.count; i++) {
        if (server->vault.tokens.at[i].lease_s > 0)
            found = &server->vault.tokens.at[i];
    }
    if (found)
        strcpy(token_r, found->text);
    pthread_mutex_unlock(&server->lock);
    return found != NULL;
}

struct vault_counts vault_server_counts(struct vault_server *server)
{
    struct vault_counts counts;

    pthread_mutex_lock(&server->lock);
    counts = server->vault.counts;
    pthread_mutex_unlock(&server->lock);
    return counts;
}
