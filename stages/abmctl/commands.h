/**
 * commands.h - the verbs of abmctl, each in its cmd_<name>.c; main.c has the table.
 * All as struct ctl_command.run says: the exit status, or -1 with err.
 */
#ifndef ABMCTL_COMMANDS_H
#define ABMCTL_COMMANDS_H

#include "ctl.h"

int cmd_push(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_import(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_plan(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_apply(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_drift(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_revert(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_status(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_health(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_run_list(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_run_show(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_run_close(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_run_repair(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_cancel(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_dead_list(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_dead_show(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_dead_drop(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_replay(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_plan_approve(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_pause(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_resume(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_audit_list(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_audit_show(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_audit_prove(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_audit_verify(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_audit_keygen(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_audit_pubkey(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_rules_test(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_rules_explain(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_rules_diff(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_csv_split(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_token_show(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_token_refresh(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_token_revoke_local(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_config_check(struct ctl *ctl, int argc, char **argv, struct err *err);
int cmd_config_print(struct ctl *ctl, int argc, char **argv, struct err *err);

#endif
