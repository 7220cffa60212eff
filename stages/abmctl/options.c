/* The options of a command, its help, and the choice of the command: all read from the same rows. */
#include "ctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/dump.h"
#include "base/start.h"
#include "base/str.h"
#include "crypto/secret.h"
#include "secrets/secrets.h"

#define OPTIONS_MAX 32
#define FIRST_VALUE 1000 /* getopt_long's val of row 0; below are the letters */

enum common { COMMON_CONFIG = 500, COMMON_ORG, COMMON_JSON, COMMON_HELP, COMMON_VERSION };

static const struct {
    struct option option;
    const char *value, *help;
} common[] = {
    { { "config", required_argument, NULL, COMMON_CONFIG },
      "FILE",
      "settings; else $ABM_CONFIG, else "
      "config/pipeline.yaml" },
    { { "org", required_argument, NULL, COMMON_ORG },
      "NAME",
      "organization; else $ABM_ORG, else the only one" },
    { { "json", no_argument, NULL, COMMON_JSON }, NULL, "results and errors as JSON" },
    { { "help", no_argument, NULL, COMMON_HELP }, NULL, "this text" },
};
#define COMMON_COUNT (sizeof(common) / sizeof(common[0]))

static int set_common(struct ctl *ctl, int value)
{
    switch (value) {
    case COMMON_CONFIG: ctl->config = optarg; return 0;
    case COMMON_ORG: ctl->org_name = optarg; return 0;
    case COMMON_JSON: ctl->is_json = true; return 0;
    default: return -1;
    }
}

static int set_value(const struct ctl_option *option, struct err *err)
{
    switch (option->kind) {
    case CTL_FLAG: *option->to.flag = true; return 0;
    case CTL_TEXT:
        if (optarg[0] == '\0')
            return err_set(err, ERR_USAGE, 0, "--%s: the value is empty", option->name);
        *option->to.text = optarg;
        return 0;
    case CTL_LIST:
        if (option->to.list->count == CTL_LIST_MAX)
            return err_set(err, ERR_USAGE, 0, "--%s: given more than %d times", option->name, CTL_LIST_MAX);
        option->to.list->at[option->to.list->count++] = optarg;
        return 0;
    case CTL_INT:
        if (!str_to_int(optarg, option->min, option->max, option->to.number))
            return err_set(err, ERR_USAGE, 0, "--%s '%s': wanted a whole number from %lld to %lld",
                           option->name, optarg, (long long)option->min, (long long)option->max);
        return 0;
    case CTL_DURATION:
        if (!str_to_duration_ms(optarg, option->to.number))
            return err_set(err, ERR_USAGE, 0, "--%s '%s': wanted a duration such as 90s, 10m or 2h",
                           option->name, optarg);
        return 0;
    }
    return err_set(err, ERR_BUG, 0, "--%s has no kind", option->name);
}

static const char *command_name(const struct ctl *ctl, char name[64])
{
    const struct ctl_command *command = ctl->command;

    if (command == NULL)
        return "before the verb";
    snprintf(name, 64, "%s%s%s", command->verb, command->sub != NULL ? " " : "",
             command->sub != NULL ? command->sub : "");
    return name;
}

/* What getopt_long did not take: an unknown option, or one without its value. */
static int refuse(const struct ctl *ctl, int found, const char *word, const struct option *known,
                  struct err *err)
{
    const char *names[OPTIONS_MAX + COMMON_COUNT + 1], *near;
    char bare[64], name[64];
    size_t count = 0;

    if (found == ':')
        return err_set(err, ERR_USAGE, 0, "%s: %s needs a value", command_name(ctl, name), word);
    if (optopt != 0 && strncmp(word, "--", 2) == 0)
        return err_set(err, ERR_USAGE, 0, "%s: %s takes no value", command_name(ctl, name), word);
    for (; known[count].name != NULL; count++)
        names[count] = known[count].name;
    snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(word + strspn(word, "-"), "="),
             word + strspn(word, "-"));
    near = str_nearest(bare, names, count);
    return err_set(err, ERR_USAGE, 0, "%s: unknown option '%.200s'%s%s%s", command_name(ctl, name), word,
                   near != NULL ? " - did you mean '--" : "", near != NULL ? near : "",
                   near != NULL ? "'?" : "");
}

static void print_option(char letter, const char *name, const char *value, const char *help)
{
    char left[64];

    snprintf(left, sizeof(left), "%c%c%s--%s%s%s", letter != '\0' ? '-' : ' ', letter != '\0' ? letter : ' ',
             letter != '\0' ? ", " : "  ", name, value != NULL ? " " : "", value != NULL ? value : "");
    printf("  %-28s %s\n", left, help);
}

static void print_help(const struct ctl *ctl, const struct ctl_option *options, size_t count)
{
    const struct ctl_command *command = ctl->command;
    char name[64];

    printf("usage: abmctl %s%s%s\n\n%s\n\noptions:\n", command_name(ctl, name),
           command->args[0] != '\0' ? " " : "", command->args, command->help);
    for (size_t i = 0; i < count; i++)
        print_option(options[i].letter, options[i].name, options[i].value, options[i].help);
    for (size_t i = 0; i < COMMON_COUNT; i++)
        print_option('\0', common[i].option.name, common[i].value, common[i].help);
}

/* known: the command's options, then the common ones, for getopt_long. */
static void fill_known(const struct ctl_option *options, size_t count, struct option *known, char *letters)
{
    *letters++ = ':'; /* a missing value is told apart from an unknown option */
    for (size_t i = 0; i < count; i++) {
        bool has_value = options[i].kind != CTL_FLAG;

        known[i] = (struct option){ options[i].name, has_value ? required_argument : no_argument, NULL,
                                    FIRST_VALUE + (int)i };
        if (options[i].letter != '\0')
            *letters++ = options[i].letter;
        if (options[i].letter != '\0' && has_value)
            *letters++ = ':';
    }
    *letters = '\0';
    for (size_t i = 0; i < COMMON_COUNT; i++)
        known[count + i] = common[i].option;
    known[count + COMMON_COUNT] = (struct option){ NULL, 0, NULL, 0 };
}

static const struct ctl_option *find_option(const struct ctl_option *options, size_t count, int found)
{
    for (size_t i = 0; i < count; i++)
        if (found == FIRST_VALUE + (int)i || (options[i].letter != '\0' && found == options[i].letter))
            return &options[i];
    return NULL;
}

int ctl_options(struct ctl *ctl, const struct ctl_option *options, size_t count, int argc, char **argv,
                int min, int max, int *first_r, struct err *err)
{
    struct option known[OPTIONS_MAX + COMMON_COUNT + 1];
    char letters[2 * OPTIONS_MAX + 2], name[64];
    int found;

    if (count > OPTIONS_MAX)
        return err_set(err, ERR_BUG, 0, "more than %d options", OPTIONS_MAX);
    fill_known(options, count, known, letters);
    opterr = 0;
    optind = 0; /* glibc: begin anew */
    while ((found = getopt_long(argc, argv, letters, known, NULL)) != -1) {
        const struct ctl_option *option = find_option(options, count, found);

        if (found == COMMON_HELP) {
            print_help(ctl, options, count);
            return 1;
        }
        if (found == '?' || found == ':')
            return refuse(ctl, found, argv[optind - 1], known, err);
        if (option == NULL && set_common(ctl, found) != 0)
            return err_set(err, ERR_BUG, 0, "an option without a row");
        if (option != NULL && set_value(option, err) != 0)
            return -1;
    }
    *first_r = optind;
    if (argc - optind < min)
        return err_set(err, ERR_USAGE, 0, "%s: an operand is missing: %s", command_name(ctl, name),
                       ctl->command->args);
    if (argc - optind > max)
        return err_set(err, ERR_USAGE, 0, "%s: unexpected operand '%.200s'", command_name(ctl, name),
                       argv[optind + max]);
    return 0;
}

static void print_commands(const struct ctl_command *commands, size_t count)
{
    puts("usage: abmctl [--config FILE] [--org NAME] [--json] VERB ...\n\nverbs:");
    for (size_t i = 0; i < count; i++) {
        char left[64];

        snprintf(left, sizeof(left), "%s%s%s", commands[i].verb, commands[i].sub != NULL ? " " : "",
                 commands[i].sub != NULL ? commands[i].sub : "");
        printf("  %-16s %s\n", left, commands[i].help);
    }
    puts("\nabmctl VERB --help tells the options of a verb. Exit status: 0 done, 1 the answer is no or not "
         "all "
         "ended\nwell, 64 usage, 65 bad input, 69 no service, 70 a bug, 75 try later, 77 not allowed, 78 "
         "settings.");
}

/* The help of a verb of two words without its second. False: the verb needs no second word. */
static bool print_verb(const struct ctl_command *commands, size_t count, const char *verb)
{
    bool is_found = false;

    for (size_t i = 0; i < count; i++)
        if (commands[i].sub == NULL && strcmp(commands[i].verb, verb) == 0)
            return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commands[i].verb, verb) != 0)
            continue;
        printf("abmctl %s %-8s %s\n", verb, commands[i].sub, commands[i].help);
        is_found = true;
    }
    return is_found;
}

/* The row of the verb, and with a verb of two words of its second; *words_r: how many words name it. */
static int find_command(const struct ctl_command *commands, size_t count, int argc, char **argv,
                        const struct ctl_command **command_r, int *words_r, struct err *err)
{
    const char *verbs[64], *subs[16], *near;
    const struct ctl_command *alone = NULL; /* the verb without a second word, where it is one as well */
    size_t verb_count = 0, sub_count = 0;

    for (size_t i = 0; i < count; i++) {
        if (verb_count < 64 && (i == 0 || strcmp(commands[i].verb, commands[i - 1].verb) != 0))
            verbs[verb_count++] = commands[i].verb;
        if (strcmp(commands[i].verb, argv[0]) != 0)
            continue;
        *command_r = &commands[i];
        *words_r = 2;
        if (commands[i].sub == NULL)
            alone = &commands[i];
        else if (argc > 1 && strcmp(commands[i].sub, argv[1]) == 0)
            return 0;
        else if (sub_count < 16)
            subs[sub_count++] = commands[i].sub;
    }
    if (alone != NULL) {
        *command_r = alone;
        *words_r = 1;
        return 0;
    }
    if (sub_count == 0) {
        near = str_nearest(argv[0], verbs, verb_count);
        return err_set(err, ERR_USAGE, 0, "unknown verb '%.200s'%s%s%s", argv[0],
                       near != NULL ? " - did you mean '" : "", near != NULL ? near : "",
                       near != NULL ? "'?" : "; abmctl --help lists them");
    }
    near = argc > 1 ? str_nearest(argv[1], subs, sub_count) : NULL;
    if (near != NULL)
        return err_set(err, ERR_USAGE, 0, "unknown verb '%s %.200s' - did you mean '%s %s'?", argv[0],
                       argv[1], argv[0], near);
    err_set(err, ERR_USAGE, 0, "%s %s:", argv[0], argc > 1 ? "knows only" : "needs one of");
    for (size_t i = 0; i < sub_count; i++) {
        size_t len = strlen(err->text);

        snprintf(err->text + len, sizeof(err->text) - len, "%s %s", i > 0 ? "," : "", subs[i]);
    }
    return -1;
}

/*
 * Options before the verb, then the verb. 0 and *command_r, with argv[*at_r] its last word; 1: something was
 * printed and all is done.
 */
static int choose(struct ctl *ctl, int argc, char **argv, const struct ctl_command *commands, size_t count,
                  const struct ctl_command **command_r, int *at_r, struct err *err)
{
    struct option known[COMMON_COUNT + 2];
    int found, words = 1;

    for (size_t i = 0; i < COMMON_COUNT; i++)
        known[i] = common[i].option;
    known[COMMON_COUNT] = (struct option){ "version", no_argument, NULL, COMMON_VERSION };
    known[COMMON_COUNT + 1] = (struct option){ NULL, 0, NULL, 0 };
    opterr = 0;
    optind = 0;
    while ((found = getopt_long(argc, argv, "+:", known, NULL)) != -1) {
        if (found == COMMON_HELP) {
            print_commands(commands, count);
            return 1;
        }
        if (found == COMMON_VERSION) {
            puts("abmctl " ABM_VERSION);
            return 1;
        }
        if (set_common(ctl, found) != 0)
            return refuse(ctl, found, argv[optind - 1], known, err);
    }
    if (optind >= argc)
        return err_set(err, ERR_USAGE, 0, "no verb is given; abmctl --help lists them");
    if (strcmp(argv[optind], "help") == 0) {
        print_commands(commands, count);
        return 1;
    }
    if (argc - optind > 1 && strcmp(argv[optind + 1], "--help") == 0 &&
        print_verb(commands, count, argv[optind]))
        return 1;
    if (find_command(commands, count, argc - optind, argv + optind, command_r, &words, err) != 0)
        return -1;
    *at_r = optind + words - 1;
    return 0;
}

static void look_at_terminal(struct ctl *ctl)
{
    struct winsize size;

    ctl->is_out_terminal = isatty(STDOUT_FILENO) == 1;
    ctl->is_err_terminal = isatty(STDERR_FILENO) == 1;
    if (ctl->is_err_terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0)
        ctl->columns = size.ws_col;
}

static void release(struct ctl *ctl)
{
    redis_free(ctl->redis);
    secrets_close();
    settings_free(ctl->settings);
    secret_free(ctl->password); /* after the connection, which borrows both */
    secret_free(ctl->sentinel_password);
    if (ctl->signal_fd >= 0)
        close(ctl->signal_fd);
}

/* An error before the options are read must still know whether it is to be JSON. */
static bool asks_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

int ctl_main(int argc, char **argv, const struct ctl_command *commands, size_t count)
{
    struct ctl ctl = { .signal_fd = -1, .is_json = asks_json(argc, argv) };
    struct err err = ERR_INIT;
    int at = 0, status;

    start_process();
    dump_forbid(); /* a core would hold the password of Redis and the signing key */
    look_at_terminal(&ctl);
    status = choose(&ctl, argc, argv, commands, count, &ctl.command, &at, &err);
    if (status == 0)
        status = ctl.command->run(&ctl, argc - at, argv + at, &err);
    else if (status == 1)
        status = CTL_DONE;
    ctl_progress_end(&ctl);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status >= 0) /* a result that nobody got is none */
        status = err_set(&err, ERR_IO, errno, "stdout");
    if (status < 0) {
        /* A reader that left has what it wanted (`| head`). */
        if (err.code != ERR_IO || err.sys != EPIPE || strncmp(err.text, "stdout", 6) != 0)
            ctl_report(&ctl, &err);
        status = err_exit_status(err.code);
    }
    release(&ctl);
    return status;
}
