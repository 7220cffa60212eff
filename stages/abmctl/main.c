/*
 * abmctl: the operator's command. Each verb is a row here and a function in its cmd_<name>.c; README.md
 * beside this file tells what an operator needs to know.
 */
#include "commands.h"

static const struct ctl_command commands[] = {
    { "push", NULL, "--input FILE [--wait] [--strict] [--only-new] [--run ID]",
      "publish a device file, in batches", cmd_push },
    { "import", NULL, "--input FILE [--dry-run] [--strict] [--only-new] [--run ID]",
      "push, wait for the end and show how it ended", cmd_import },
    { "plan", NULL, "--input FILE [--blueprints FILE] [-o FILE] [--complete] [--only-new] [--strict]",
      "what ABM would have to change so that a device file and its rules hold", cmd_plan },
    { "plan", "approve", "--plan FILE --key KEY [--approver NAME]", "put a signature under a plan",
      cmd_plan_approve },
    { "apply", NULL, "--plan FILE [--confirm] [--dry-run] [--wait] [--run ID]",
      "publish exactly what a plan says; without --confirm only tell it", cmd_apply },
    { "drift", NULL, "[--input FILE [--blueprints FILE]] [--exit-code]",
      "what in ABM no longer is as declared", cmd_drift },
    { "revert", NULL, "--run ID [-o FILE]", "the plan back to what a run found", cmd_revert },
    { "status", NULL, "[--run ID] [--watch]", "each stage and why it does or does not move; the open runs",
      cmd_status },
    { "health", NULL, "", "whether the pipeline can work now: 0 yes, 1 no, 69 no Redis", cmd_health },
    { "run", "list", "[--max N]", "the newest runs", cmd_run_list },
    { "run", "show", "ID", "all that is known of a run", cmd_run_show },
    { "run", "close", "ID", "wait for no more batches: the run closes as incomplete", cmd_run_close },
    { "run", "repair",
      "--run ID (--input FILE | --plan FILE) [--blueprints FILE] [--batch-size N] [--dry-run]",
      "put back what Redis has lost of an open run", cmd_run_repair },
    { "cancel", NULL, "--run ID", "end a run: what has not been touched is cancelled", cmd_cancel },
    { "dead", "list", "[--stage STAGE] [--run ID] [--code CODE] [--serial SERIAL]", "dead letters",
      cmd_dead_list },
    { "dead", "show", "ID", "one dead letter whole", cmd_dead_show },
    { "dead", "drop", "ID", "remove a dead letter for good", cmd_dead_drop },
    { "replay", NULL,
      "[--stage STAGE] [--run ID] [--code CODE] [--id ID] [--all] [--from STAGE] [--force] [--dry-run]",
      "put dead devices back to work", cmd_replay },
    { "pause", NULL, "STAGE | --run ID [--reason TEXT]",
      "a stage reads no more, and what is in hand goes on; or nothing is sent for a run", cmd_pause },
    { "resume", NULL, "STAGE | --run ID [--operator NAME]", "a paused stage, or run, goes on", cmd_resume },
    { "audit", "list", "[--path DIR]",
      "the organization's manifests as they stand there: no signature is checked (audit verify does)",
      cmd_audit_list },
    { "audit", "show", "SERIAL [--path DIR]",
      "what the evidence says of one device: no signature is checked (audit verify does)", cmd_audit_show },
    { "audit", "verify", "[PATH] [--pubkey FILE]", "whether evidence, or the proof of one device, is whole",
      cmd_audit_verify },
    { "audit", "prove", "SERIAL [--path DIR]", "the proof of one device, without the others",
      cmd_audit_prove },
    { "audit", "keygen", "--out FILE", "make a signing key for development", cmd_audit_keygen },
    { "audit", "pubkey", "", "the configured signer's public key as PEM", cmd_audit_pubkey },
    { "rules", "test", "[--blueprints FILE] [--strict]",
      "run the cases of the mapping's tests: list; warn of rules that no device hits", cmd_rules_test },
    { "rules", "explain", "--serial SERIAL --country CC [--model TEXT] [--extra NAME=VALUE]...",
      "which rule a device hits, and why", cmd_rules_explain },
    { "rules", "diff", "OLD NEW --input FILE [--exit-code]",
      "which devices another mapping would give another blueprint or server", cmd_rules_diff },
    { "csv", "split", "--input FILE -o DIR [--rows N] [--bytes SIZE]",
      "divide a CSV file into smaller ones for a manual upload", cmd_csv_split },
    { "config", "check", "", "whether the settings, rules and patterns can be used", cmd_config_check },
    { "config", "print", "[--help-table]", "the settings in force, and where each comes from",
      cmd_config_print },
};

int main(int argc, char **argv)
{
    return ctl_main(argc, argv, commands, sizeof(commands) / sizeof(commands[0]));
}
