/*
 * --dry-run asks nobody: with a Redis and an API that only listen, no connection is made, and the answer is
 * there all the same.
 */
#include "harness/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fsio.h"
#include "harness/desk_plan.h"

/* Somebody who listens and never answers. */
struct ear {
    int fd, port;
};

static void ear_open(struct ear *ear)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);

    ear->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(ear->fd >= 0);
    assert_int_equal(bind(ear->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(ear->fd, 8), 0);
    assert_int_equal(getsockname(ear->fd, (struct sockaddr *)&address, &len), 0);
    ear->port = ntohs(address.sin_port);
}

/* True where somebody has connected since; a connection waits in the queue until it is taken. */
static bool ear_heard(const struct ear *ear)
{
    int fd = accept4(ear->fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0) {
        assert_true(errno == EAGAIN || errno == EWOULDBLOCK);
        return false;
    }
    close(fd);
    return true;
}

struct world {
    struct desk desk;
    struct ear redis, api;
};

static int start(void **state)
{
    static struct world world;
    struct err err = ERR_INIT;
    struct buf text;

    desk_start(&world.desk, "");
    ear_open(&world.redis);
    ear_open(&world.api);
    buf_init(&text, 4096);
    buf_addf(
        &text,
        "version: 1\nredis: { url: \"redis://127.0.0.1:%d/0\" }\norgs:\n  acme:\n    api: { dialect: abm-v2, "
        "base_url: \"http://127.0.0.1:%d\", token: \"file:no-token\" }\n    rate_limit: { requests: 100 }\n"
        "    rules: blueprints.yaml\naudit: { signer: \"ed25519:file:audit.key\", sinks: [\"file:evidence\"] "
        "}\n",
        world.redis.port, world.api.port);
    assert_int_equal(fsio_write(world.desk.config, text.data, text.len, 0600, &err), 0);
    buf_release(&text);
    *state = &world;
    return 0;
}

static int stop(void **state)
{
    struct world *world = *state;

    close(world->redis.fd);
    close(world->api.fd);
    desk_stop(&world->desk);
    return 0;
}

static bool redis_is_called(void *world)
{
    return ear_heard(&((struct world *)world)->redis);
}

/* The same without --dry-run: the ears do hear. */
static void assert_heard(struct world *world, struct proc *proc)
{
    if (!proc_until(redis_is_called, world, 20000))
        fail_msg("nobody has connected, but somebody should");
    proc_kill(proc);
}

static void assert_silent(struct world *world)
{
    if (ear_heard(&world->redis) || ear_heard(&world->api))
        fail_msg("it has connected");
}

static void import_tells_what_the_rules_make_of_it(void **state)
{
    struct world *world = *state;
    struct desk *desk = &world->desk;
    struct proc proc;
    const char *input = desk_devices(desk, "devices.csv", 9982, "FVFGH0000001,DE\nfvf,DE\nFVFGH9999999,FR\n");

    /* Rows that are wrong are told with their reason, and the answer is then no. */
    desk_expect(desk, desk_ctl(desk, "import", "--input", input, "--dry-run", NULL), 1,
                "Would assign 9982 devices to blueprints. No API calls made.\n", "row 9985: serial 'fvf'");
    desk_expect(desk, desk_ctl(desk, "import", "--input", input, "--dry-run", NULL), 1, "bp-west",
                "row 9984: ");
    desk_expect(desk, desk_ctl(desk, "import", "--input", input, "--dry-run", NULL), 1,
                "2 rows would be rejected, 1 is a duplicate", "row 9986: no rule holds for it");
    desk_expect(desk, desk_ctl(desk, "import", "--input", input, "--dry-run", "--json", NULL), 1,
                "\"would_assign\":9982,\"rejected\":2,\"duplicate\":1", "\"row\":9985,\"serial\":\"fvf\"");
    assert_silent(world);
    desk_begin(desk, &proc, "import", "--input", input, NULL);
    assert_heard(world, &proc);
}

static void apply_tells_what_a_plan_does(void **state)
{
    static struct desk_plan plan;
    struct world *world = *state;
    struct desk *desk = &world->desk;
    struct proc proc;
    const char *path;

    desk_plan_init(&plan);
    plan.head.is_complete = true;
    desk_plan_add(&plan, PLAN_ADD, "FVFGH0000001", "DE", NULL, "bp-west");
    desk_plan_add(&plan, PLAN_CHANGE, "FVFGH0000002", "JP", "bp-west", "bp-jp");
    desk_plan_add(&plan, PLAN_REMOVE, "FVFGH0000003", "JP", "bp-old", NULL);
    plan.head.rejected = 3;
    path = desk_plan_write(&plan, desk, "plan.json");
    desk_expect(desk, desk_ctl(desk, "apply", "--plan", path, "--dry-run", NULL), 0,
                "Would assign 2 devices to blueprints. No API calls made.\n"
                "Would remove the assignments of 1 devices.\n"
                "\n"
                "blueprint  devices  removed\n"
                "bp-jp            1        0\n"
                "bp-old           0        1\n"
                "bp-west          1        0\n",
                "");
    desk_expect(desk, desk_ctl(desk, "apply", "--plan", path, "--dry-run", "--json", NULL), 0,
                "\"would_assign\":2,\"would_remove\":1,\"add\":1,\"change\":1,\"remove\":1,\"unchanged\":0,"
                "\"rejected\":3",
                "");
    /* That it would be done makes no difference. */
    desk_expect(desk, desk_ctl(desk, "apply", "--plan", path, "--dry-run", "--confirm", NULL), 0,
                "No API calls made.", "");
    assert_silent(world);
    desk_begin(desk, &proc, "apply", "--plan", path, "--confirm", NULL);
    assert_heard(world, &proc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(import_tells_what_the_rules_make_of_it, start, stop),
        cmocka_unit_test_setup_teardown(apply_tells_what_a_plan_does, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
