#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "http/url.h"

static void builds_from_hostile_values(void **state)
{
    struct buf url;

    (void)state;
    buf_init(&url, 1024);
    buf_add_str(&url, "https://h");
    url_add_segment(&url, "a/b?c#d e%\r\n\xc3\xa9");
    url_add_segment(&url, "..");
    url_add_segment(&url, ".");
    url_add_segment(&url, "A-z_0.9~");
    url_add_query(&url, "filter[deviceId]", "x,y&z=1");
    url_add_query(&url, "limit", "10");
    assert_string_equal(url.data, "https://h/a%2Fb%3Fc%23d%20e%25%0D%0A%C3%A9/%2E%2E/%2E/A-z_0.9~"
                                  "?filter%5BdeviceId%5D=x%2Cy%26z%3D1&limit=10");
    buf_release(&url);
}

static void checks_urls(void **state)
{
    static const struct {
        const char *url;
        int rc;
        bool is_https, is_loopback;
    } rows[] = {
        { "https://api.business.apple.com", 0, true, false },
        { "https://api.business.apple.com:8443/base", 0, true, false },
        { "http://127.0.0.1:8080", 0, false, true },
        { "http://127.9.9.9", 0, false, true },
        { "http://[::1]:80/x", 0, false, true },
        { "http://localhost", 0, false, true },
        { "http://LOCALHOST:1", 0, false, true },
        { "http://localhost.example.com", 0, false, false },
        { "http://127.0.0.1.example.com", 0, false, false },
        { "http://128.0.0.1", 0, false, false },
        { "http://[::2]", 0, false, false },
        { "ftp://h/x", -1, false, false },
        { "file:///etc/passwd", -1, false, false },
        { "https://user:secret@h/", -1, false, false },
        { "https://h/#frag", -1, false, false },
        { "https://", -1, false, false },
        { "https://h/\r\nX: y", -1, false, false },
        { "https://h:99999/", -1, false, false },
        { "", -1, false, false },
        { "/v2/devices", -1, false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool is_https = false, is_loopback = false;
        struct err err = ERR_INIT;
        int rc = url_check(rows[i].url, &is_https, &is_loopback, &err);

        if (rc != rows[i].rc || is_https != rows[i].is_https || is_loopback != rows[i].is_loopback)
            fail_msg("\"%s\": rc %d https %d loopback %d", rows[i].url, rc, is_https, is_loopback);
        if (rc != 0 && err.code != ERR_SETTINGS)
            fail_msg("\"%s\": %s", rows[i].url, err_wire(err.code));
        if (strstr(err.text, "secret") != NULL && strstr(err.text, "user:") == NULL)
            fail_msg("\"%s\": %s", rows[i].url, err.text);
    }
}

static void follows_links_on_the_same_origin_only(void **state)
{
    static const struct {
        const char *base, *link, *want; /* NULL: not followed */
    } rows[] = {
        { "https://h/v2/a?x=1", "https://h/v2/a?cursor=2", "https://h/v2/a?cursor=2" },
        { "https://h/v2/a", "/v2/b?c=1", "https://h/v2/b?c=1" },
        { "https://h/v2/a", "?c=1", "https://h/v2/a?c=1" },
        { "https://h/v2/a", "https://H:443/x", "https://H:443/x" },
        { "https://h:443/v2", "https://h/x", "https://h/x" },
        { "http://127.0.0.1:81/v2", "http://127.0.0.1:81/x#f", "http://127.0.0.1:81/x" },
        { "https://h/v2/a", "http://h/x", NULL },
        { "https://h/v2/a", "https://h:8443/x", NULL },
        { "https://h/v2/a", "https://evil/x", NULL },
        { "https://h/v2/a", "//evil/x", NULL },
        { "https://h/v2/a", "https://h.evil/x", NULL },
        { "https://h/v2/a", "https://h@evil/x", NULL },
        { "https://h/v2/a", "https://user@h/x", NULL },
        { "https://h/v2/a", "https://evil\\@h/x", NULL },
        { "https://h/v2/a", "file:///etc/passwd", NULL },
        { "https://h/v2/a", "javascript:alert(1)", NULL },
        { "https://h/v2/a", "https://h/\r\nX: y", NULL },
        { "https://h/v2/a", "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        struct buf out;
        int rc;

        buf_init(&out, 1024);
        rc = url_resolve_same_origin(rows[i].base, rows[i].link, &out, &err);
        if (rc != (rows[i].want != NULL) || strcmp(out.data, rows[i].want != NULL ? rows[i].want : "") != 0)
            fail_msg("\"%s\" from \"%s\": rc %d \"%s\"", rows[i].link, rows[i].base, rc, out.data);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_from_hostile_values),
        cmocka_unit_test(checks_urls),
        cmocka_unit_test(follows_links_on_the_same_origin_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
