/**
 * keys.h - keys that tests know: the key of RFC 7515, appendix A.3, in each form, and what is to be refused.
 * None of them protects anything.
 */
#ifndef UNIT_CRYPTO_KEYS_H
#define UNIT_CRYPTO_KEYS_H

static const char key_rfc_pkcs8[] = "-----BEGIN PRIVATE KEY-----\n"
                                    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
                                    "H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
                                    "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
                                    "-----END PRIVATE KEY-----\n";

static const char key_rfc_sec1[] = "-----BEGIN EC PRIVATE KEY-----\n"
                                   "MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
                                   "AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b\n"
                                   "focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                                   "-----END EC PRIVATE KEY-----\n";

static const char key_rfc_public[] = "-----BEGIN PUBLIC KEY-----\n"
                                     "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
                                     "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                                     "-----END PUBLIC KEY-----\n";

static const char key_compressed[] = "-----BEGIN EC PRIVATE KEY-----\n"
                                     "MFcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
                                     "AwEHoSQDIgADf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=\n"
                                     "-----END EC PRIVATE KEY-----\n";

static const char key_no_public[] = "-----BEGIN EC PRIVATE KEY-----\n"
                                    "MDECAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
                                    "AwEH\n"
                                    "-----END EC PRIVATE KEY-----\n";

static const char key_p384_pkcs8[] = "-----BEGIN PRIVATE KEY-----\n"
                                     "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAuKq+ri8+6sReL9lcK\n"
                                     "nOyKKb3X/uKNYn2NuBRAwgqwGgHUOarZcRJkoOI9jGDUFguhZANiAAT0tsTqlEhg\n"
                                     "S7/zJ4h4POmfqgrYNaj42fXtMp7jqZQq+jF0JMeAJEL2IiL34snrOn4LXO0/bOtF\n"
                                     "erF+t3Z84GZCmou84IHjLf9c8qm0vbuKiY5QC3DnnYkJAE3d+U0XmVk=\n"
                                     "-----END PRIVATE KEY-----\n";

static const char key_p384_sec1[] = "-----BEGIN EC PRIVATE KEY-----\n"
                                    "MIGkAgEBBDAuKq+ri8+6sReL9lcKnOyKKb3X/uKNYn2NuBRAwgqwGgHUOarZcRJk\n"
                                    "oOI9jGDUFgugBwYFK4EEACKhZANiAAT0tsTqlEhgS7/zJ4h4POmfqgrYNaj42fXt\n"
                                    "Mp7jqZQq+jF0JMeAJEL2IiL34snrOn4LXO0/bOtFerF+t3Z84GZCmou84IHjLf9c\n"
                                    "8qm0vbuKiY5QC3DnnYkJAE3d+U0XmVk=\n"
                                    "-----END EC PRIVATE KEY-----\n";

static const char key_rsa_pkcs8[] = "-----BEGIN PRIVATE KEY-----\n"
                                    "MIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8AgEAAkEA06lFwGYagxXxvdn/\n"
                                    "HyQL9fvV0+pWHWw+RJ4gJW4sg32PpdminaOIRPs+rJ7YLI/MeLTxDYFe3eJc/VdJ\n"
                                    "d61jhwIDAQABAkBalcdUYF5YW7vqFLIrEbJMxErvNwtD7F953nLDkjNa0konNScK\n"
                                    "zfDWbBYXsUGTmXaER0yIFxTjIoUrS1PBV0IBAiEA+wrFVmQZNydBWXp7wLwTXcqL\n"
                                    "Q3Q/gbg2PLN6lEXJC7cCIQDX12XyjzezW6xYh4Atckiku+j6IHP7SIHYmuhA1coG\n"
                                    "sQIhAMIsg5Sd2g8Z8ucF4SCjmIssNemXyeNJG9J5tG9pRucjAiEAvwP6ThqfEdUM\n"
                                    "hmCMeCvOzDMccNftrLGzcA1Pg6lwHFECIQCrxX0YTLqRTq7B1TLz8CvmOqCZGZ6v\n"
                                    "l1pX00QwkBLzHA==\n"
                                    "-----END PRIVATE KEY-----\n";

static const char key_rsa_pkcs1[] = "-----BEGIN RSA PRIVATE KEY-----\n"
                                    "MIIBPAIBAAJBAL4G+0wOqPLkmt5RZh5TtCDjzDinKsRfPxcNZICRN6a2yELsb/Kb\n"
                                    "NPPGjBgyIQCB9kzgs5pe+LkvEYL02LgZJo0CAwEAAQJAHKREwEP9Zw7Z4OR39d47\n"
                                    "6jErmOZpZcvNYJYeLdq1fqUPrCk30BuPeyGDNosmXylVjexBciuVlHKHqY0rtHYq\n"
                                    "KQIhAOH1iTDH/KhXQ1PvxX2gd4cSolSTYhKYV0Oq1fnFAKPLAiEA10qDifphML8c\n"
                                    "YAP6EKEzn2Ymi2/EJiPzOHYVgi3ghAcCIQCjtJl9fxac/APqdweVGcIfWS/EqLbg\n"
                                    "FAD9JHM8Ly9kewIhAI18fOHq2ICuuDkpo+fV6RUyjtZIR4JBUhCjGhOJjul1AiEA\n"
                                    "ydVMhT9MeWm/sK5i34y4ldCVEfHLIgwkEsGQ7HkRORc=\n"
                                    "-----END RSA PRIVATE KEY-----\n";

static const char key_ed25519[] = "-----BEGIN PRIVATE KEY-----\n"
                                  "MC4CAQAwBQYDK2VwBCIEIFQfZhV1r9QXdgmKTgCLW2KEmAo0XfIz5HtLjGskAFYq\n"
                                  "-----END PRIVATE KEY-----\n";

static const char key_encrypted_pkcs8[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                                          "MIHrMFYGCSqGSIb3DQEFDTBJMCgGCSqGSIb3DQEFDDAbBAiRMOjNk7Ww1QIBATAM\n"
                                          "BggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBAgQQL6tmsy/FqI/f4P38ZVUwogSBkP4s\n"
                                          "/8l9UPXR5HKPiqD3NgJBh00pYE9kh9GMnUKJZhrmm/iEtb8RyvRRFMrK83hkwv5y\n"
                                          "WIUAdNKxYzSj4Okf4conGPTT8fFbLm3l3V4aVYnMK9Z9o1MH9jlhXeJqdhZNkkZT\n"
                                          "A5zhon6YpNU39m3Y8n1Seh44vAOTRmLYbzeDVxcvvVQOr8Oqow/Xo4vlkekZWA==\n"
                                          "-----END ENCRYPTED PRIVATE KEY-----\n";

static const char key_encrypted_sec1[] = "-----BEGIN EC PRIVATE KEY-----\n"
                                         "Proc-Type: 4,ENCRYPTED\n"
                                         "DEK-Info: AES-128-CBC,24691AE3EE0053A090A0F06270754EF2\n"
                                         "\n"
                                         "oV6iaQd25A/NQ6dhd8P4IiaOC2dtjkqa+ItgmRUoGBh1LYsUOjqD6hKPP+FDTe6c\n"
                                         "hl0CvCbCup9ZZr3uUdLGCuHu2GsKPjKkN/weV0+f9BiYIq0ze8u2/bOK1C/XG2GR\n"
                                         "MTVHCXJv/FXN4RfEuvG+XaJe1/JCePd31vbdcIhpsxs=\n"
                                         "-----END EC PRIVATE KEY-----\n";

static const char key_explicit_curve[] = "-----BEGIN EC PRIVATE KEY-----\n"
                                         "MIIBaAIBAQQgjpsQnnGQmL+YBIffH1136cspYG6+0iY7X1fCE9+E9LKggfowgfcC\n"
                                         "AQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAAAAAAAA////////////////\n"
                                         "MFsEIP////8AAAABAAAAAAAAAAAAAAAA///////////////8BCBaxjXYqjqT57Pr\n"
                                         "vVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSdNgiG5wSTamZ44ROdJreBn36QBEEE\n"
                                         "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54W\n"
                                         "K84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8\n"
                                         "YyVRAgEBoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTN\n"
                                         "G72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                                         "-----END EC PRIVATE KEY-----\n";

static const char key_others_public[] = "-----BEGIN PRIVATE KEY-----\n"
                                        "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgj5sQnnGQmL+YBIff\n"
                                        "H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
                                        "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
                                        "-----END PRIVATE KEY-----\n";

static const char key_zero[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAAAAAAAAAAAAAAA\n"
                               "AAAAAAAAAAAAAAAAAAAAAAAAAAChRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
                               "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
                               "-----END PRIVATE KEY-----\n";

static const char key_order[] = "-----BEGIN PRIVATE KEY-----\n"
                                "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/////wAAAAD/////\n"
                                "/////7zm+q2nF56E87nKwvxjJVGhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
                                "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
                                "-----END PRIVATE KEY-----\n";

static const char key_no_curve[] = "-----BEGIN EC PRIVATE KEY-----\n"
                                   "MGsCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoUQDQgAEf83O\n"
                                   "J3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ld\n"
                                   "bqkLJK2KRiMohYjlrQ==\n"
                                   "-----END EC PRIVATE KEY-----\n";

static const char key_short_number[] = "-----BEGIN EC PRIVATE KEY-----\n"
                                       "MHYCAQEEH46bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSgCgYIKoZIzj0D\n"
                                       "AQehRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp7xO6z248e9FURcfxRM0bvZt+\n"
                                       "hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
                                       "-----END EC PRIVATE KEY-----\n";

static const char key_trailing[] = "-----BEGIN PRIVATE KEY-----\n"
                                   "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
                                   "H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
                                   "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWtAA==\n"
                                   "-----END PRIVATE KEY-----\n";

static const char key_compressed_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
    "6e8Tus9uPHvRVEU=\n"
    "-----END PUBLIC KEY-----\n";

static const char key_off_curve[] = "-----BEGIN PUBLIC KEY-----\n"
                                    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
                                    "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrA==\n"
                                    "-----END PUBLIC KEY-----\n";

#endif
