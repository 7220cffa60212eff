/*
 * The simulator, which stands open on a port: "METHOD PATH?QUERY\nheaders\n\nbody", several of them parted by
 * a line "--next--", as requests to the API and to its control. Every answer is one.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sim.h"

static const char *header(char *head, const char *name)
{
    size_t len = strlen(name);

    for (char *line = head; line != NULL; line = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : NULL)
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1 + strspn(line + len + 1, " ");
    return NULL;
}

/* Lines end in NUL from here on: headers were looked up before. */
static void end_lines(char *head)
{
    for (; head != NULL && *head != '\0'; head++)
        if (*head == '\n')
            *head = '\0';
}

static void read_query(char *text, struct request *request)
{
    char *part;

    while (text != NULL && (part = strsep(&text, "&")) != NULL && request->query_count < QUERY_MAX) {
        char *value = strchr(part, '=');

        if (value != NULL)
            *value++ = '\0';
        request->query[request->query_count].name = part;
        request->query[request->query_count++].value = value != NULL ? value : "";
    }
}

static void perform(struct sim *sim, struct request *request, struct answer *answer, int64_t now_us)
{
    struct ticket ticket;

    if (strncmp(request->path, "/sim/", 5) == 0) {
        control_perform(sim, request, answer);
        return;
    }
    memset(&ticket, 0, sizeof(ticket));
    api_admit(sim, request, now_us, &ticket);
    api_perform(sim, request, &ticket, now_us, answer);
    request_release(request);
}

static void one(struct sim *sim, char *text, size_t len, int64_t now_us)
{
    char *body = memmem(text, len, "\n\n", 2), *head, *line = text, *query;
    struct request request = { .body = "" };
    struct answer answer;

    if (body != NULL) {
        *body = '\0';
        body += 2;
        request.body = body;
        request.body_len = len - (size_t)(body - text);
    }
    head = strchr(text, '\n');
    request.accept = head != NULL ? header(head + 1, "Accept") : NULL;
    request.authorization = head != NULL ? header(head + 1, "Authorization") : NULL;
    request.content_type = head != NULL ? header(head + 1, "Content-Type") : NULL;
    request.host = "127.0.0.1";
    end_lines(head);
    request.method = strsep(&line, " ");
    request.path = line != NULL ? line : "/";
    query = line != NULL ? strchr(line, '?') : NULL;
    if (query != NULL)
        *query++ = '\0';
    read_query(query, &request);
    answer_init(&answer);
    perform(sim, &request, &answer, now_us);
    FUZZ_CHECK(answer.status == 0 || (answer.status >= 100 && answer.status <= 999));
    FUZZ_CHECK(answer.header_count <= ANSWER_HEADERS);
    answer_release(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char mark[] = "\n--next--\n";
    char *text = malloc(size + 1), *at = text, *end;
    struct err err = ERR_INIT;
    struct sim sim;

    FUZZ_CHECK(text != NULL && sim_init(&sim, &err) == 0);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    for (int64_t now_us = 1000000; (end = memmem(at, size - (size_t)(at - text), mark, sizeof(mark) - 1));
         now_us += 1000000) {
        *end = '\0';
        one(&sim, at, (size_t)(end - at), now_us);
        at = end + sizeof(mark) - 1;
    }
    one(&sim, at, size - (size_t)(at - text), 60000000);
    sim_release(&sim);
    free(text);
    return 0;
}
