/*
 * abm-audit: writes the record of how each device ended, closes runs, signs their manifests and ships them to
 * write-once storage. What an operator needs to know is in README.md beside this file.
 */
#include "../stage_crypto.h"
#include "audit.h"

int main(int argc, char **argv)
{
    static const struct stage audit = {
        .name = "audit",
        .crypto = &stage_crypto,
        .help = "writes the evidence: a record a device, a signed manifest a run",
        .open = audit_open,
        .handle = audit_batch,
        .close = audit_close,
        .forget = audit_forget,
    };

    return stage_main(argc, argv, &audit);
}
