#include "stage/job.h"

static void decide(struct job *job, enum verdict verdict, enum err_code code, const char *text,
                   int64_t delay_ms)
{
    job->verdict = verdict;
    job->is_ruled = false;
    job->is_held = false;
    job->code = code;
    job->text = text;
    job->delay_ms = delay_ms;
}

void job_pass(struct job *job)
{
    decide(job, VERDICT_PASS, ERR_NONE, NULL, 0);
}

void job_send(struct job *job, const char *stage)
{
    decide(job, VERDICT_SEND, ERR_NONE, NULL, 0);
    job->stage = stage;
}

void job_finish(struct job *job, enum outcome outcome, enum err_code code, const char *text)
{
    decide(job, VERDICT_FINISH, code, text, 0);
    job->outcome = outcome;
}

void job_retry(struct job *job, enum err_code code, const char *text, int64_t delay_ms)
{
    decide(job, VERDICT_RETRY, code, text, delay_ms);
}

void job_suspect(struct job *job, const char *op, enum err_code code, const char *text)
{
    decide(job, VERDICT_SUSPECT, code, text, -1);
    job->op = op;
}

void job_wait(struct job *job, enum err_code deadline_code, const char *text, int64_t delay_ms)
{
    decide(job, VERDICT_WAIT, deadline_code, text, delay_ms);
}

void job_put_back(struct job *job)
{
    decide(job, VERDICT_BACK, ERR_NONE, NULL, 0);
}

void job_hold(struct job *job, int64_t delay_ms)
{
    decide(job, VERDICT_BACK, ERR_NONE, NULL, delay_ms);
    job->is_held = true;
}

void job_lost(struct job *job)
{
    decide(job, VERDICT_LOST, ERR_LOST_MESSAGE, NULL, 0);
}
