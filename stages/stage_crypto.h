/** stage_crypto.h - common/crypto for the skeleton (stage/crypto_seam.h): each main.c hands it in. */
#ifndef STAGES_STAGE_CRYPTO_H
#define STAGES_STAGE_CRYPTO_H

#include "stage/crypto_seam.h"

extern const struct stage_crypto stage_crypto;

#endif
