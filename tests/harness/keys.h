/**
 * keys.h - keys that tests know: the key of RFC 7515, appendix A.3, in each form, what is to be refused, and
 * an RSA key with the certificate that tests/fuzz/corpus/cms is encrypted for. None of them protects
 * anything.
 */
#ifndef HARNESS_KEYS_H
#define HARNESS_KEYS_H

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

static const char key_rsa[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQC/zPuGgKq3YnPU\n"
                              "YSH9M3lXx4a6m9yswNyay8+x2y8RakThAYCxrCri8Z+Mu/dKk92youEFlUdKoF2e\n"
                              "mKbZOWezqpXmJ+Z0kKGeHztNKVAvk6Rno/EhvLpbW05yfoHKc7MOY2xjRoNIwJFh\n"
                              "i1Z4PUCY6WwMmzt5PlK80YwSuSUvcLaVCXBC8DQ/wyFwJDjkQqcPguIt0YWH4V4e\n"
                              "/7Ae8JnMkfkMSEQTlVw9sJSj/C4ILxED73fB5lVaGu/RwXyNE2lNjgC+eKxUlHkU\n"
                              "X2xZFIOdycax48PTgu9bX8KgX/B1068e49AvTMiI20VFIUBRLuDkQJB6XyBrPDko\n"
                              "zwAr+VQdAgMBAAECggEAR9f79W9XwxZ1Rb3WkfYIg1lhPaApYmphl/g1Ba2Q7WiN\n"
                              "gWzjLGpNrDGOrpQv9rb5ibLaMBGxISJ9vuz2PpLypcmFma8jc1FDwKt5Npd9ijy3\n"
                              "Df1KUvVTJupGMbvyWQfKr96NGIiun39GVa/wRVzISB7TUsuI1QsDyeeCHPdOFvzu\n"
                              "nQyt4Ac9QGzfC/YS1Jk/ps6+xwM9ZQhYAKlysLsx94JXjVE2LI6iv2bCvF4xAQNH\n"
                              "dMwVPBoGkSX4GQ8vHx+9Lo7KRKkGhDTHdiNWOXNJZBMVKruDKmLRqmNLCKurJhiF\n"
                              "0+u8213j2mlqfXkWC447/GxNePv9sCfhfCvD2WnOvwKBgQDqMsTm5DmLRVOhY/op\n"
                              "l000CaGukBCrUAQHGuz7NwLDrmXUc7WBKWjcR2ALIQURfSiE3TxAabxiiwDYlPrN\n"
                              "/SP54v/EpHisigGU6GCJq/JBF1t/rVLKRyoG0DhWAFSY+ncGdfTgY9e9fMv0UgID\n"
                              "5EJFS6ZQbnEhtxmDjsj9HSb8NwKBgQDRp9Ouk3wjd8BnTDAUPz/6XysN4OwMLB1W\n"
                              "lpolbln7PEKa3gdJprhZ4KOjnhm+zku6t9YFOqYh7s2+CyZhfl7GfrVqdL6LPJFs\n"
                              "o07vTqcqWosb92S5JNX25WFhb5pCPJI23yegoIAUSeb6/XX+kCifV+xJKHDtFV0L\n"
                              "RReuu4YQSwKBgDHj2NA65AtIHHWv/5Wmlpq0Ro4SQIrOA92jncIySNN4rlagw5Sd\n"
                              "RqpORiZ4xUShfeU33+L04122sNpyei8xct2DvuqcAtz2lTmseww45eV53VMIkC9p\n"
                              "E4naB3ZCocLo8DwfGqhGfKnwEN6eLbG4iWmLoQVXUaBWCghdfXF2KVznAoGAHnyj\n"
                              "IY28zYOKbPr9OtR/vy67mgcNDDAWDBNWUv8bApeer9p9gM5HnHo4EYDaCY8CICK/\n"
                              "cn82zVRmgq4oZKD1szOVuedEFgc2tm+A+PedA2GrPOPat7mNi5uLb5nE+sDIGkaV\n"
                              "ApyUQ18DwZe94sifv5wPdgv1b+RdZVgku3n1YsUCgYB0XdYi3eQDdQwa/lMGLJLM\n"
                              "MyZctQsgpbaw//8E1ni5ugSft9546LBWgE04pt4/hdAQ3iR4USC7sAwk3+35NXYb\n"
                              "96RePVCew0KI9CDfQ72e1GIz2a6tumwxOstp//XY7aiNFhLqvei+bRQiqklhPwp8\n"
                              "KX4HTAMgzvDpKeveCmlVWA==\n"
                              "-----END PRIVATE KEY-----\n";

static const char key_rsa_2048_pkcs1[] = "-----BEGIN RSA PRIVATE KEY-----\n"
                                         "MIIEogIBAAKCAQEAv8z7hoCqt2Jz1GEh/TN5V8eGupvcrMDcmsvPsdsvEWpE4QGA\n"
                                         "sawq4vGfjLv3SpPdsqLhBZVHSqBdnpim2Tlns6qV5ifmdJChnh87TSlQL5OkZ6Px\n"
                                         "Iby6W1tOcn6BynOzDmNsY0aDSMCRYYtWeD1AmOlsDJs7eT5SvNGMErklL3C2lQlw\n"
                                         "QvA0P8MhcCQ45EKnD4LiLdGFh+FeHv+wHvCZzJH5DEhEE5VcPbCUo/wuCC8RA+93\n"
                                         "weZVWhrv0cF8jRNpTY4AvnisVJR5FF9sWRSDncnGsePD04LvW1/CoF/wddOvHuPQ\n"
                                         "L0zIiNtFRSFAUS7g5ECQel8gazw5KM8AK/lUHQIDAQABAoIBAEfX+/VvV8MWdUW9\n"
                                         "1pH2CINZYT2gKWJqYZf4NQWtkO1ojYFs4yxqTawxjq6UL/a2+Ymy2jARsSEifb7s\n"
                                         "9j6S8qXJhZmvI3NRQ8CreTaXfYo8tw39SlL1UybqRjG78lkHyq/ejRiIrp9/RlWv\n"
                                         "8EVcyEge01LLiNULA8nnghz3Thb87p0MreAHPUBs3wv2EtSZP6bOvscDPWUIWACp\n"
                                         "crC7MfeCV41RNiyOor9mwrxeMQEDR3TMFTwaBpEl+BkPLx8fvS6OykSpBoQ0x3Yj\n"
                                         "VjlzSWQTFSq7gypi0apjSwirqyYYhdPrvNtd49ppan15FguOO/xsTXj7/bAn4Xwr\n"
                                         "w9lpzr8CgYEA6jLE5uQ5i0VToWP6KZdNNAmhrpAQq1AEBxrs+zcCw65l1HO1gSlo\n"
                                         "3EdgCyEFEX0ohN08QGm8YosA2JT6zf0j+eL/xKR4rIoBlOhgiavyQRdbf61Sykcq\n"
                                         "BtA4VgBUmPp3BnX04GPXvXzL9FICA+RCRUumUG5xIbcZg47I/R0m/DcCgYEA0afT\n"
                                         "rpN8I3fAZ0wwFD8/+l8rDeDsDCwdVpaaJW5Z+zxCmt4HSaa4WeCjo54Zvs5LurfW\n"
                                         "BTqmIe7NvgsmYX5exn61anS+izyRbKNO706nKlqLG/dkuSTV9uVhYW+aQjySNt8n\n"
                                         "oKCAFEnm+v11/pAon1fsSShw7RVdC0UXrruGEEsCgYAx49jQOuQLSBx1r/+Vppaa\n"
                                         "tEaOEkCKzgPdo53CMkjTeK5WoMOUnUaqTkYmeMVEoX3lN9/i9ONdtrDacnovMXLd\n"
                                         "g77qnALc9pU5rHsMOOXled1TCJAvaROJ2gd2QqHC6PA8HxqoRnyp8BDeni2xuIlp\n"
                                         "i6EFV1GgVgoIXX1xdilc5wKBgB58oyGNvM2Dimz6/TrUf78uu5oHDQwwFgwTVlL/\n"
                                         "GwKXnq/afYDOR5x6OBGA2gmPAiAiv3J/Ns1UZoKuKGSg9bMzlbnnRBYHNrZvgPj3\n"
                                         "nQNhqzzj2re5jYubi2+ZxPrAyBpGlQKclENfA8GXveLIn7+cD3YL9W/kXWVYJLt5\n"
                                         "9WLFAoGAdF3WIt3kA3UMGv5TBiySzDMmXLULIKW2sP//BNZ4uboEn7feeOiwVoBN\n"
                                         "OKbeP4XQEN4keFEgu7AMJN/t+TV2G/ekXj1QnsNCiPQg30O9ntRiM9murbpsMTrL\n"
                                         "af/12O2ojRYS6r3ovm0UIqpJYT8KfCl+B0wDIM7w6Snr3gppVVg=\n"
                                         "-----END RSA PRIVATE KEY-----\n";

static const char key_rsa_certificate[] = "-----BEGIN CERTIFICATE-----\n"
                                          "MIIDMzCCAhugAwIBAgIUCfVNl7HqbmQrc1yZlu4Xn42Mz4EwDQYJKoZIhvcNAQEL\n"
                                          "BQAwKTEUMBIGA1UECgwLRXhhbXBsZSBMdGQxETAPBgNVBAMMCGFibS10ZXN0MB4X\n"
                                          "DTI2MTEyNDE1MDE0MVoXDTI4MTEyMzE1MDE0MVowKTEUMBIGA1UECgwLRXhhbXBs\n"
                                          "ZSBMdGQxETAPBgNVBAMMCGFibS10ZXN0MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n"
                                          "MIIBCgKCAQEAv8z7hoCqt2Jz1GEh/TN5V8eGupvcrMDcmsvPsdsvEWpE4QGAsawq\n"
                                          "4vGfjLv3SpPdsqLhBZVHSqBdnpim2Tlns6qV5ifmdJChnh87TSlQL5OkZ6PxIby6\n"
                                          "W1tOcn6BynOzDmNsY0aDSMCRYYtWeD1AmOlsDJs7eT5SvNGMErklL3C2lQlwQvA0\n"
                                          "P8MhcCQ45EKnD4LiLdGFh+FeHv+wHvCZzJH5DEhEE5VcPbCUo/wuCC8RA+93weZV\n"
                                          "Whrv0cF8jRNpTY4AvnisVJR5FF9sWRSDncnGsePD04LvW1/CoF/wddOvHuPQL0zI\n"
                                          "iNtFRSFAUS7g5ECQel8gazw5KM8AK/lUHQIDAQABo1MwUTAdBgNVHQ4EFgQU5WG5\n"
                                          "qXmk/SsaANGzqlOd81Rz/UwwHwYDVR0jBBgwFoAU5WG5qXmk/SsaANGzqlOd81Rz\n"
                                          "/UwwDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAXhGx5latfPju\n"
                                          "rjmMKpk33adR2IEugOMHHGDH3+MD1Ckk90MAJeX3gqImXGq3oGJS7QjNIBpkkZ70\n"
                                          "QOgotldYMYMtseIyF4JD/kDaxFu2w+IZJjd5JpoHxbCt8sG8zKIasQ+Tg6CrnJ1R\n"
                                          "lbLRwmwzounINgDCb7zGLIxFaaNnB4z9XIH+4g2YKfDLJW7di+1GDL/nkRyxMF5w\n"
                                          "eIC21MTP4dzgLPb3FPnPw2FNnsnTpY8y37/BR5WEO5Vcif1WGFLZN76+oRJeTEfs\n"
                                          "2dpwt9uaJ4PH+WRasGVPx6dImd2Z1I4Kftzcv1hfGgoAcrHN+W+C5ClXarXe4au3\n"
                                          "1RppW5g2jA==\n"
                                          "-----END CERTIFICATE-----\n";

static const char key_rsa_other[] = "-----BEGIN PRIVATE KEY-----\n"
                                    "MIIEuwIBADANBgkqhkiG9w0BAQEFAASCBKUwggShAgEAAoIBAQDdI73SE9OY3dCz\n"
                                    "pT+TnQA78/vM0CoL5ELWOv4k8TH83juUdoHSgEIV2KOIa96/nV2KKfubNh+gWvva\n"
                                    "h+UA2hEDvPl4SZJC56Di59cMy5rBMVk5RuMOS5weiMkTmkX3GkOHvJxUxLveXeEh\n"
                                    "8W4AUPlpOmTufWF92Mpj6M+RHMt3PJYKw3otYTJWJPc+ZUsNnUV0hcZURKvbAnYj\n"
                                    "7ha6D5Yi3e2rwK7UwFbJp28gAELxU/SQua/9HmnkMvfVYD9j+m70IceyrLuSO4A0\n"
                                    "qL4CT0Wk5+2ZdKy9cEOCu1HAt/lU8xzhxeNFVrODLyMVwe9ucnDXKjZNrW+vJfKc\n"
                                    "DOBpi7fXAgMBAAECgf9SD/FhA/qBv86y25+8J4buuJu4ZYc04n/q//lPvDHQpKd3\n"
                                    "cIK8mtvrP3lwJpeCg+MyYmH8NxmFaD4N2mAg8Mtfl8D74lFkgpAxo9cp6GSFTMrP\n"
                                    "dn7Lz0MgEaKMo7NS/2wP8u4QhvEwk6X38p/ffi0P35uU5PJIwSpZ6QsdzpGyrRg2\n"
                                    "Wcdw5fjEw6SqCv2XSWnZBukIMBT9pVL1FCGctfToRMtun3kOBOFy0A24R+PpPVEj\n"
                                    "SB7P/KhgAhWW+bkjCzkILcGna2OJhGjm9PH5rQiF1jXDbYr+yrzhHEDZsQ0VjV1o\n"
                                    "h5GcuwS41s+mZj5dkVExghF6llCfMYvawerZOtECgYEA+Y4iD4FoB2a84jsW9GOJ\n"
                                    "w7cSX5CAmVpt2LSUasrD+FLxvgWYJjBogmhAp5ZEOiFSiRNV0zB1OFn2eFR8rfJn\n"
                                    "+Qvn/LfFvKGOicesh2EeNVb85/eW9AOB8FVvHcaREFh+Z6h458ZsiQm5eQiCgk0B\n"
                                    "kxNwWboehFtyxy/ALjHxTWkCgYEA4tm/FQBhJnF3JAbYs0WfnwUFkbi4/HaI/NH4\n"
                                    "bBgkW3kVaQtu2lpCchwqJGsw9W6lLzBS/5PIQ21+oOyEaLhDWA+QmDsaFJ1kWQA1\n"
                                    "NtAF7LzAoE9OEzT8hJFpfNdE0VZzf2962sbdr/3itjUZ/JXSu2B9305scYAj5Tr5\n"
                                    "xiRX8z8CgYEA6luqbPlQIrM+6w4m7neT5vLEFG719g5QXlSnlOq6wzfRwmwqiKKp\n"
                                    "Yt5Y6YlapWSpyAUacmxtiPAjYLmnJQwizGV8BX7n+c+WtpmH0tNHtTvt4kJHxvyM\n"
                                    "SJFS+pmBneIdQ2eZs8BKKR+yyJFPTuLWebKlrf31rsLatWiIiFlqjRECgYBdyXZ1\n"
                                    "oVWJBkoii+4VmAhZP0NBLuTUA9G47LpPPl/xrYrLhh2LituDv98wdVyla9xBOTJn\n"
                                    "Vdrq/Z7nu0E25k95Xd4DAhRTR4sQPMTDZ5e7e4IMBR2bVUG9MT0yjvF1ts9DdXyO\n"
                                    "bL+EnmuXtzaKNgsMyuTfaNXuyvKMOCjB4Y63EwKBgBt08UYgtQhAPF5nYNSZe6/2\n"
                                    "HGmWg3AiIOwOSHf0/I8hKd1FPr2w0j9E92A2CPDlGKQDaojLNmcHl+I05uwg7v/T\n"
                                    "UPWsTYBQPBMsAJ/qr3Bll5a0wLyGqhM9b68O+A9TLGoLvdq0yR3V1a0uUJjWbkHI\n"
                                    "2v9j9yGKuqFAWQg+0NoA\n"
                                    "-----END PRIVATE KEY-----\n";

static const char key_rsa_other_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIDATCCAemgAwIBAgIUYyqAnkwnKvVGtGgdH6n3X87f7rwwDQYJKoZIhvcNAQEL\n"
    "BQAwEDEOMAwGA1UEAwwFb3RoZXIwHhcNMjYxMTI0MTUwMTQyWhcNMjgxMTIzMTUw\n"
    "MTQyWjAQMQ4wDAYDVQQDDAVvdGhlcjCCASIwDQYJKoZIhvcNAQEBBQADggEPADCC\n"
    "AQoCggEBAN0jvdIT05jd0LOlP5OdADvz+8zQKgvkQtY6/iTxMfzeO5R2gdKAQhXY\n"
    "o4hr3r+dXYop+5s2H6Ba+9qH5QDaEQO8+XhJkkLnoOLn1wzLmsExWTlG4w5LnB6I\n"
    "yROaRfcaQ4e8nFTEu95d4SHxbgBQ+Wk6ZO59YX3YymPoz5Ecy3c8lgrDei1hMlYk\n"
    "9z5lSw2dRXSFxlREq9sCdiPuFroPliLd7avArtTAVsmnbyAAQvFT9JC5r/0eaeQy\n"
    "99VgP2P6bvQhx7Ksu5I7gDSovgJPRaTn7Zl0rL1wQ4K7UcC3+VTzHOHF40VWs4Mv\n"
    "IxXB725ycNcqNk2tb68l8pwM4GmLt9cCAwEAAaNTMFEwHQYDVR0OBBYEFCl3HUet\n"
    "PTlzcNSMNBKOxVQ5t12qMB8GA1UdIwQYMBaAFCl3HUetPTlzcNSMNBKOxVQ5t12q\n"
    "MA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBABtdliL1A2l8aOvW\n"
    "VZTKtNA0RSYri1P3Y5JO21EcWeCwVVsDO/Am5JanrFShITMtMiwq1Lx/g2JHCqOn\n"
    "Rl+MuraAkerBddQoTgBkZX1h9BOvcndiKMzTY0833X3ZuEhZfbOwFw/wZBtwx/VN\n"
    "kMBQe7ME+KEMG5Iht2h7dwEobOYU/buffTfZAHX1pbl+kZLWvyNwLkUxEoqIfAV4\n"
    "TGaNcZchww48nyOAv0phmu/jixb9i39uS2Ueyy4ZFpaL9LV3tiqxVY5BaUP87gOW\n"
    "kzfivqDtOk8SQySOv75hGB4+J6E1ltIl/TVQTWYt+VPc3MBL8cm1LXpI/GSwlaQf\n"
    "tcP7kJo=\n"
    "-----END CERTIFICATE-----\n";

#endif
