#include "fixture.h"

#include "harness/http_server.h"

static void refuses_settings_that_cannot_work(void **state)
{
    static const struct {
        const char *what, *dialect, *url;
        bool allow_http;
        const char *text; /* NULL: taken */
    } rows[] = {
        { "https", "abm-v2", "https://api.business.apple.com", false, NULL },
        { "http to loopback", "abm-v2", "http://127.0.0.1:8080", false, NULL },
        { "http elsewhere, allowed", "abm-v2", "http://abmsim:8080", true, NULL },
        { "http elsewhere", "abm-v2", "http://abmsim:8080", false, "allow_http" },
        { "another scheme", "abm-v2", "ftp://x", true, "neither https nor http" },
        { "no URL", "abm-v2", "api.business apple.com", false, "orgs.acme.api.base_url" },
        { "an unknown dialect", "abm-v3", "https://x", false,
          "\"abm-v3\" is not served; served are: abm-v2" },
        { "no dialect", NULL, "https://x", false, "served are: abm-v2" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct org_settings org = { .name = "acme",
                                    .api_dialect = rows[i].dialect,
                                    .api_base_url = rows[i].url,
                                    .api_allow_http = rows[i].allow_http,
                                    .api_token = "env:X",
                                    .api_timeout_ms = 1000 };
        struct abm_env env = { .org = &org, .concurrency = 1 };
        struct abm_client *client = NULL;
        struct err err = ERR_INIT;
        int rc = abm_client_new(&env, &client, &err);

        if ((rc == 0) != (rows[i].text == NULL) ||
            (rc != 0 && (err.code != ERR_SETTINGS || strstr(err.text, rows[i].text) == NULL)))
            fail_msg("%s: %d %s", rows[i].what, rc, err.text);
        abm_client_free(client);
    }
}

/* The same over a real connection: what the doubles leave out. */
static void speaks_over_the_network(void **state)
{
    static const struct http_server_answer answers[] = {
        { .bytes = "HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n" },
        { .bytes = "HTTP/1.1 207 Multi-Status\r\nContent-Type: application/vnd.api+json\r\nContent-Length: "
                   "66\r\n\r\n"
                   "{\"data\":[{\"serial\":\"SN00000000\",\"status\":201,\"id\":\"dev-0000000\"}]}" },
    };
    struct http_server *server;
    static struct fixture f;
    struct abm_env env;
    char url[64];
    struct buf sent;

    (void)state;
    fixture_init(&f, NULL);
    fixture_devices(&f, 1);
    assert_int_equal(http_server_start(answers, 2, &server, &f.err), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", http_server_port(server));
    f.org.api_base_url = url;
    env = (struct abm_env){ .org = &f.org,
                            .concurrency = 2,
                            .limiter = &f.limiter.limiter,
                            .cache = &f.cache.cache,
                            .health = &f.health.health,
                            .user_agent = "abm-pipeline/test" };
    abm_client_free(f.client);
    assert_int_equal(abm_client_new(&env, &f.client, &f.err), 0);
    if (abm_import(f.client, f.items, 1, f.pool, &f.err) != 0)
        fail_msg("%s", f.err.text);
    if (f.items[0].kind != ABM_OK)
        fail_msg("%d %s", f.items[0].kind, f.items[0].text);
    assert_string_equal(f.items[0].device_id, "dev-0000000");
    assert_int_equal(f.limiter.last_pause_ms, 0);
    buf_init(&sent, 100000);
    assert_true(http_server_request(server, 1, &sent));
    assert_non_null(strstr(sent.data, "POST /v2/devices/batch HTTP/1.1\r\n"));
    assert_non_null(strstr(sent.data, "\r\nAccept: application/vnd.api+json; version=2.0\r\n"));
    assert_non_null(strstr(sent.data, "\r\nAuthorization: Bearer s3cret-token\r\n"));
    assert_non_null(strstr(sent.data, "\r\nUser-Agent: abm-pipeline/test\r\n"));
    buf_release(&sent);
    http_server_stop(server);
    /* Nobody there any more: nothing was sent. */
    assert_int_equal(abm_import(f.client, f.items, 1, f.pool, &f.err), -1);
    assert_int_equal(f.err.code, ERR_ABM_UNREACHABLE);
    assert_false(f.items[0].is_maybe_sent);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_settings_that_cannot_work),
        cmocka_unit_test(speaks_over_the_network),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
