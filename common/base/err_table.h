/**
 * err_table.h - every error of the pipeline, one row each: C name, wire name, class, what to do.
 *
 * The wire name stands in dead letters, records and manifests that are kept for years: a row's wire
 * name and meaning never change, and a row is never removed. New rows go at the end of their group.
 *
 * Classes: USAGE (64), INPUT (65: the input is wrong), SERVICE (69: a server cannot be reached or does
 * not serve), BUG (70), LATER (75: try again), DENIED (77), SETTINGS (78), DEVICE (an answer about one
 * device; never ends a process), OK (not an error: why an outcome came about).
 */
#ifndef BASE_ERR_TABLE_H
#define BASE_ERR_TABLE_H

#define ERR_TABLE(X)                                                                                         \
    X(ERR_NONE, "none", OK, "nothing went wrong")                                                            \
    /* general */                                                                                            \
    X(ERR_USAGE, "usage", USAGE, "see --help for the options")                                               \
    X(ERR_NOMEM, "no_memory", LATER, "give the process more memory")                                         \
    X(ERR_BUG, "bug", BUG, "please report this with the log line before it")                                 \
    X(ERR_LIMIT, "limit", INPUT, "the input is larger than the stated limit: make it smaller")               \
    X(ERR_IO, "io", LATER, "look at the disk and the permissions of the named file")                         \
    X(ERR_FILE_MISSING, "file_missing", INPUT, "name an existing, readable file")                            \
    X(ERR_FILE_DENIED, "file_denied", DENIED, "change the owner or the mode of the named file")              \
    X(ERR_FILE_EXISTS, "file_exists", DENIED, "name another file, or move the one that is there away")       \
    X(ERR_STOPPED, "stopped", LATER, "told to stop: nothing is lost, and the same command again goes on")    \
    X(ERR_WAIT_OVER, "wait_over", LATER,                                                                     \
      "the run goes on by itself: abmctl status --run tells how far it is")                                  \
    /* settings and secrets */                                                                               \
    X(ERR_SETTINGS, "settings", SETTINGS, "correct the named line of the settings file")                     \
    X(ERR_SETTINGS_UNKNOWN, "settings_unknown", SETTINGS, "remove the key or correct its spelling")          \
    X(ERR_SETTINGS_TYPE, "settings_type", SETTINGS,                                                          \
      "give the value in the form that config/README.md shows")                                              \
    X(ERR_SETTINGS_MISSING, "settings_missing", SETTINGS, "add the key: it is required")                     \
    X(ERR_ORG_UNKNOWN, "org_unknown", SETTINGS, "name an organization that the settings configure")          \
    X(ERR_SECRET, "secret", SETTINGS, "make the referenced secret available to this process")                \
    X(ERR_SECRET_MODE, "secret_mode", DENIED, "chmod o-rwx the secret file")                                 \
    X(ERR_YAML, "yaml", INPUT, "correct the YAML at the named line and column")                              \
    X(ERR_JSON, "json", INPUT, "correct the JSON at the named place")                                        \
    X(ERR_JSON_SHAPE, "json_shape", INPUT, "correct the named member's type or presence")                    \
    X(ERR_SETTINGS_FILE, "settings_file", SETTINGS,                                                          \
      "name a readable settings file by --config or $ABM_CONFIG")                                            \
    X(ERR_KEY, "key", SETTINGS, "give the kind of key that the text names, as PEM and not encrypted")        \
    X(ERR_JWT, "jwt", INPUT, "give a JWT as the text asks for it")                                           \
    X(ERR_SEAL, "seal", SETTINGS, "give the secrets.seal_key it was sealed with, or store the secret anew")  \
    X(ERR_CSR, "csr", INPUT, "give the request or certificate a subject and a time as the text says")        \
    X(ERR_P7M, "p7m", INPUT, "name the .p7m that Apple made for this very certificate, unchanged")           \
    X(ERR_VAULT_AWAY, "vault_away", SERVICE,                                                                 \
      "look at secrets.vault.address, the network and whether Vault is unsealed")                            \
    X(ERR_VAULT_TLS, "vault_tls", SERVICE, "look at Vault's certificate and secrets.vault.ca_file")          \
    X(ERR_VAULT_ANSWER, "vault_answer", SERVICE,                                                             \
      "secrets.vault.address answers what Vault would not: correct it")                                      \
    X(ERR_VAULT_LOGIN, "vault_login", SETTINGS,                                                              \
      "correct secrets.vault.auth and what it logs in with, or the role in Vault")                           \
    X(ERR_VAULT_DENIED, "vault_denied", SETTINGS,                                                            \
      "give the role or token a policy that may read the named path")                                        \
    X(ERR_VAULT_MISSING, "vault_missing", SETTINGS,                                                          \
      "store the named field in Vault (KV version 2), or correct the reference")                             \
    X(ERR_ISSUER_AWAY, "issuer_unreachable", SERVICE,                                                        \
      "look at api.issuer.url and the network: it goes on by itself once the issuer answers")                \
    X(ERR_ISSUER_KEY, "issuer_key", SERVICE,                                                                 \
      "put a key that the issuer knows in place of api.issuer.private_key: it goes on by itself")            \
    X(ERR_ISSUER_CLOCK, "issuer_clock", SERVICE, "set this machine's clock right: it goes on by itself")     \
    X(ERR_ISSUER_CONTRACT, "issuer_contract", SERVICE,                                                       \
      "api.issuer.url answers what the contract does not know: correct it")                                  \
    /* input files */                                                                                        \
    X(ERR_INPUT_EMPTY, "input_empty", INPUT, "the file has no devices: export it again")                     \
    X(ERR_INPUT_FORMAT, "input_format", INPUT, "name the file .csv, .yaml, .yml, .jsonl or .ndjson")         \
    X(ERR_CSV_HEADER, "csv_header", INPUT, "correct the header line: serial and country are required")       \
    X(ERR_CSV_ROW, "csv_row", INPUT, "correct the named row")                                                \
    X(ERR_CSV_QUOTE, "csv_quote", INPUT, "close the quote that the named row opens")                         \
    X(ERR_ENCODING, "encoding", INPUT, "save the file as UTF-8 without NUL bytes")                           \
    X(ERR_STRICT, "strict", INPUT, "correct the listed rows, or push without --strict")                      \
    X(ERR_INPUT_CHANGED, "input_changed", LATER, "push again once nobody writes to the file any more")       \
    X(ERR_INPUT_OTHER, "input_other", INPUT,                                                                 \
      "give the very file, mapping and batch size that the run was pushed with")                             \
    X(ERR_PUSH_STOPPED, "push_stopped", LATER, "run the same command again: only missing batches are sent")  \
    X(ERR_COMPLETE_ROWS, "complete_rows", INPUT, "correct the listed rows, or plan without --complete")      \
    /* a device's values: outcome rejected */                                                                \
    X(ERR_SERIAL_EMPTY, "serial_empty", DEVICE, "give the device its serial")                                \
    X(ERR_SERIAL_FORMAT, "serial_format", DEVICE, "correct the serial: see serial_pattern in the settings")  \
    X(ERR_COUNTRY_EMPTY, "country_empty", DEVICE, "give the device its country")                             \
    X(ERR_COUNTRY_UNKNOWN, "country_unknown", DEVICE, "use an ISO 3166-1 alpha-2 code such as GB or DE")     \
    X(ERR_FIELD_LENGTH, "field_length", DEVICE, "shorten the named field")                                   \
    X(ERR_FIELD_TEXT, "field_text", DEVICE, "remove what is not valid UTF-8 text from the named field")      \
    X(ERR_DUPLICATE, "duplicate", DEVICE, "nothing to do: the lowest row of this serial is used")            \
    X(ERR_DUPLICATE_DIFFERS, "duplicate_differs", DEVICE, "two rows of a serial disagree: keep one")         \
    X(ERR_ROW_FORMAT, "row_format", DEVICE, "give the row as many fields as the header has")                 \
    X(ERR_NO_RULE, "no_rule", DEVICE, "add a rule that matches the device, or a default")                    \
    X(ERR_BLUEPRINT_UNKNOWN, "blueprint_unknown", DEVICE,                                                    \
      "create the blueprint, or correct its id in the rule")                                                 \
    X(ERR_SERVER_UNKNOWN, "server_unknown", DEVICE,                                                          \
      "create the MDM server, or correct its name in the rule")                                              \
    X(ERR_ACTION, "action", DEVICE, "use the action assign or remove")                                       \
    /* rules */                                                                                              \
    X(ERR_RULE_SYNTAX, "rule_syntax", INPUT, "correct the condition at the caret")                           \
    X(ERR_RULE_TYPE, "rule_type", INPUT, "compare a field with a string, or with a list by in")              \
    X(ERR_RULE_FIELD, "rule_field", INPUT,                                                                   \
      "use serial, country, model, order_number, asset_tag or extra.NAME")                                   \
    X(ERR_RULE_PATTERN, "rule_pattern", INPUT, "correct the regular expression (PCRE2)")                     \
    X(ERR_RULE_FILE, "rule_file", INPUT, "correct the mapping file: see config/blueprints.yaml")             \
    X(ERR_RULE_LIMIT, "rule_limit", DEVICE, "simplify the regular expression: it ran over its match limit")  \
    X(ERR_RULES_MISSING, "rules_missing", LATER,                                                             \
      "push the mapping again: Redis does not hold the one named")                                           \
    /* messages */                                                                                           \
    X(ERR_MSG_MALFORMED, "message_malformed", INPUT,                                                         \
      "correct the producer: see config/schema/ingest.schema.json")                                          \
    X(ERR_MSG_VERSION, "message_version", LATER, "upgrade this worker: the message is newer than it")        \
    X(ERR_MSG_TOO_MANY, "message_too_many", INPUT, "send at most 1,000 devices in a batch")                  \
    X(ERR_MSG_TOO_LARGE, "message_too_large", INPUT, "send at most 1 MiB in a batch")                        \
    X(ERR_RUN_ID, "run_id", INPUT, "a run id is [A-Za-z0-9][A-Za-z0-9._-]{0,63}")                            \
    X(ERR_BATCH_CONFLICT, "batch_conflict", INPUT, "two different batches bear one number of a run")         \
    X(ERR_WORKER_CRASHED, "worker_crashed", DEVICE,                                                          \
      "look at the worker's log at the named times, then replay")                                            \
    X(ERR_NO_VERDICT, "no_verdict", BUG, "a stage left a device without a verdict: please report it")        \
    /* how a device ended or why it waits */                                                                 \
    X(ERR_CLAIMED, "claimed", DEVICE, "another run holds this device: wait for it, then push again")         \
    X(ERR_STATE_DIFFERS, "state_differs", DEVICE, "ABM no longer shows what the plan expected: plan again")  \
    X(ERR_CANCELLED, "cancelled", DEVICE, "the run was cancelled: push it again to go on")                   \
    X(ERR_KEPT_EXISTING, "kept_existing", DEVICE,                                                            \
      "nothing to do; push without --only-new to change existing assignments too")                           \
    X(ERR_ATTEMPTS, "attempts_used_up", DEVICE, "see the text for the last answer, then replay")             \
    X(ERR_DEADLINE, "deadline", DEVICE, "see the text for the state last seen, then replay")                 \
    X(ERR_DEADLINE_ACCEPTED, "deadline_accepted", DEVICE,                                                    \
      "ABM accepted but never propagated: ask Apple, replay")                                                \
    X(ERR_DEADLINE_OLD, "deadline_old_assignment", DEVICE, "ABM still shows the assignment before: replay")  \
    X(ERR_DEADLINE_ABSENT, "deadline_absent", DEVICE, "ABM shows no assignment at all: replay")              \
    X(ERR_DEADLINE_STILL_SET, "deadline_still_assigned", DEVICE,                                             \
      "ABM still shows the removed assignment: replay")                                                      \
    X(ERR_ASSIGNMENT_FAILED, "assignment_failed", DEVICE, "ABM says FAILED: see its reason in the text")     \
    X(ERR_BATCHES_MISSING, "batches_missing", DEVICE,                                                        \
      "push the same input again: only missing batches are sent")                                            \
    /* ABM */                                                                                                \
    X(ERR_ABM_UNREACHABLE, "abm_unreachable", SERVICE, "look at the network, DNS and base_url")              \
    X(ERR_ABM_TLS, "abm_tls", SERVICE, "look at the certificate of base_url and the CA bundle")              \
    X(ERR_ABM_TIMEOUT, "abm_timeout", SERVICE, "ABM did not answer in time")                                 \
    X(ERR_ABM_SERVER, "abm_server_error", SERVICE, "ABM answers 5xx: wait; see its status page")             \
    X(ERR_ABM_UNAUTHORIZED, "abm_unauthorized", SERVICE, "the token is wrong or has expired: renew it")      \
    X(ERR_ABM_FORBIDDEN, "abm_forbidden", SERVICE, "give the API account the permission for this operation") \
    X(ERR_ABM_GONE, "abm_gone", SERVICE, "this version of the API is not served any more: upgrade")          \
    X(ERR_ABM_UNREADABLE, "abm_unreadable", SERVICE,                                                         \
      "base_url answers something that is no JSON: correct it")                                              \
    X(ERR_ABM_CONTRACT, "abm_contract", SERVICE,                                                             \
      "the answer lacks what the contract requires: see the text")                                           \
    X(ERR_ABM_RATE, "abm_rate_limited", LATER, "ABM asks to wait; the pipeline resumes by itself")           \
    X(ERR_ABM_REFUSED, "abm_refused", DEVICE, "ABM refused this device: see its code in the text")           \
    X(ERR_ABM_NOT_FOUND, "abm_not_found", DEVICE, "ABM does not know this device: see the text")             \
    X(ERR_ABM_ITEM_MISSING, "abm_item_missing", DEVICE, "ABM's answer left this device out, each time")      \
    X(ERR_ABM_WRONG_ANSWER, "abm_wrong_answer", DEVICE, "ABM answered for another device or blueprint")      \
    X(ERR_BREAKER_OPEN, "breaker_open", LATER, "the API is not usable now; abmctl status says why")          \
    /* Redis */                                                                                              \
    X(ERR_REDIS_UNREACHABLE, "redis_unreachable", SERVICE, "start Redis or correct redis.url")               \
    X(ERR_REDIS_LOST, "redis_lost", SERVICE, "the connection was lost; it is tried again")                   \
    X(ERR_REDIS_AUTH, "redis_auth", DENIED, "correct redis.username and redis.password, or the ACL")         \
    X(ERR_REDIS_OOM, "redis_oom", LATER, "Redis is at maxmemory: give it more, or wait for it to drain")     \
    X(ERR_REDIS_VERSION, "redis_version", SERVICE, "run Redis or Valkey 7.0 or later")                       \
    X(ERR_REDIS_REPLY, "redis_reply", SERVICE, "see the text for Redis's own words")                         \
    X(ERR_REDIS_TYPE, "redis_key_type", SERVICE, "restore the key that the text names, or remove it by DEL") \
    X(ERR_REDIS_TLS, "redis_tls_unsupported", SETTINGS, "TLS to Redis needs hiredis 1.x")                    \
    X(ERR_REDIS_CERTIFICATE, "redis_certificate", SERVICE,                                                   \
      "look at the server's certificate, redis.tls.ca_file and redis.tls.server_name")                       \
    X(ERR_REDIS_REPLICAS, "redis_replicas", LATER,                                                           \
      "bring Redis's replicas back, or lower redis.wait_replicas")                                           \
    X(ERR_REDIS_NOGROUP, "redis_no_group", SERVICE, "the consumer group was deleted; it is made again")      \
    X(ERR_LOST_MESSAGE, "lost_message", LATER, "another worker took the message over; nothing was written")  \
    X(ERR_REDIS_READONLY, "redis_read_only", SERVICE,                                                        \
      "that Redis is a replica: point redis.url at the primary, or make it one by REPLICAOF NO ONE")         \
    X(ERR_REDIS_LOADING, "redis_loading", SERVICE, "Redis still loads its data: it serves once it has")      \
    X(ERR_REDIS_BUSY, "redis_busy", SERVICE, "somebody's script blocks Redis: end it by SCRIPT KILL")        \
    X(ERR_REDIS_DISK, "redis_disk", SERVICE, "Redis cannot write to its disk: free space, see its log")      \
    /* evidence */                                                                                           \
    X(ERR_SIGNER, "signer", SETTINGS, "make the signing key available: see audit.signer")                    \
    X(ERR_SIGNATURE, "signature", INPUT,                                                                     \
      "the signature does not verify: the file was altered or the key is another")                           \
    X(ERR_EVIDENCE, "evidence", INPUT, "the evidence is not whole: see the text for what differs")           \
    X(ERR_CHAIN, "chain", INPUT, "the manifests do not form a chain: see the text for the break")            \
    X(ERR_SINK, "sink", LATER, "make the named sink writable; the run closes by itself then")                \
    X(ERR_SINK_EXISTS, "sink_exists", DENIED,                                                                \
      "evidence is never overwritten: look at the file that is there")                                       \
    X(ERR_SPOOL, "spool", LATER, "make audit.spool writable, the same folder for all audit workers")         \
    X(ERR_PARTS, "parts", LATER, "a part of the record is missing or altered in audit.spool: restore it")    \
    /* the operator's command */                                                                             \
    X(ERR_CONFIRM, "not_confirmed", DENIED, "add --confirm")                                                 \
    X(ERR_NOT_FOUND, "not_found", INPUT,                                                                     \
      "nothing of that name is there: see run list, dead list or audit list")                                \
    X(ERR_SUPERSEDED, "superseded", DENIED, "a later run has changed the device; --force overrides")         \
    X(ERR_RUN_STATE, "run_state", DENIED, "the run's state does not allow it: see the text")                 \
    X(ERR_RUN_LOST, "run_lost", LATER,                                                                       \
      "abmctl run repair --run ID --input FILE puts back what Redis has lost")                               \
    /* plans */                                                                                              \
    X(ERR_PLAN_FORMAT, "plan_format", INPUT, "name a plan as abmctl plan -o writes it")                      \
    X(ERR_PLAN_ALTERED, "plan_altered", DENIED,                                                              \
      "plan again: a plan is taken only as it was written, byte for byte")                                   \
    X(ERR_PLAN_VERSION, "plan_version", DENIED,                                                              \
      "use the abmctl that wrote the plan or a newer one, or plan again")                                    \
    X(ERR_PLAN_ORG, "plan_org", DENIED, "name the plan's organization by --org, or plan again for this one") \
    X(ERR_PLAN_STALE, "plan_stale", DENIED, "plan again: see plan.max_age in the settings")                  \
    X(ERR_PLAN_UNCONFIRMED, "plan_unconfirmed", DENIED, "read what it would do, then add --confirm")         \
    X(ERR_PLAN_APPROVALS, "plan_approvals", DENIED,                                                          \
      "have the plan approved: abmctl plan approve --plan FILE --key KEY")                                   \
    X(ERR_PLAN_GONE, "plan_gone", DENIED, "plan again: ABM no longer has what the text names")

#endif
