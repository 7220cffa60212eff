#include "stage/redis_settings.h"

struct redis_settings redis_settings_of(const struct settings *settings, const char *password,
                                        const char *sentinel_password)
{
    return (struct redis_settings){
        .url = settings->redis_url,
        .username = settings->redis_username,
        .password = password,
        .sentinel_username = settings->redis_sentinel_username,
        .sentinel_password = sentinel_password,
        .tls = { .ca_file = settings->redis_tls_ca_file,
                 .cert_file = settings->redis_tls_cert_file,
                 .key_file = settings->redis_tls_key_file,
                 .server_name = settings->redis_tls_server_name },
        .wait_replicas = settings->redis_wait_replicas,
        .wait_timeout_ms = settings->redis_wait_timeout_ms,
    };
}
