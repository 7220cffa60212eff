#include "domain/country.h"

#include <stdlib.h>
#include <string.h>

/* Sorted, for bsearch. */
/* clang-format off */
static const char assigned[][3] = {
    "AD", "AE", "AF", "AG", "AI", "AL", "AM", "AO", "AQ", "AR", "AS", "AT",
    "AU", "AW", "AX", "AZ", "BA", "BB", "BD", "BE", "BF", "BG", "BH", "BI",
    "BJ", "BL", "BM", "BN", "BO", "BQ", "BR", "BS", "BT", "BV", "BW", "BY",
    "BZ", "CA", "CC", "CD", "CF", "CG", "CH", "CI", "CK", "CL", "CM", "CN",
    "CO", "CR", "CU", "CV", "CW", "CX", "CY", "CZ", "DE", "DJ", "DK", "DM",
    "DO", "DZ", "EC", "EE", "EG", "EH", "ER", "ES", "ET", "FI", "FJ", "FK",
    "FM", "FO", "FR", "GA", "GB", "GD", "GE", "GF", "GG", "GH", "GI", "GL",
    "GM", "GN", "GP", "GQ", "GR", "GS", "GT", "GU", "GW", "GY", "HK", "HM",
    "HN", "HR", "HT", "HU", "ID", "IE", "IL", "IM", "IN", "IO", "IQ", "IR",
    "IS", "IT", "JE", "JM", "JO", "JP", "KE", "KG", "KH", "KI", "KM", "KN",
    "KP", "KR", "KW", "KY", "KZ", "LA", "LB", "LC", "LI", "LK", "LR", "LS",
    "LT", "LU", "LV", "LY", "MA", "MC", "MD", "ME", "MF", "MG", "MH", "MK",
    "ML", "MM", "MN", "MO", "MP", "MQ", "MR", "MS", "MT", "MU", "MV", "MW",
    "MX", "MY", "MZ", "NA", "NC", "NE", "NF", "NG", "NI", "NL", "NO", "NP",
    "NR", "NU", "NZ", "OM", "PA", "PE", "PF", "PG", "PH", "PK", "PL", "PM",
    "PN", "PR", "PS", "PT", "PW", "PY", "QA", "RE", "RO", "RS", "RU", "RW",
    "SA", "SB", "SC", "SD", "SE", "SG", "SH", "SI", "SJ", "SK", "SL", "SM",
    "SN", "SO", "SR", "SS", "ST", "SV", "SX", "SY", "SZ", "TC", "TD", "TF",
    "TG", "TH", "TJ", "TK", "TL", "TM", "TN", "TO", "TR", "TT", "TV", "TW",
    "TZ", "UA", "UG", "UM", "US", "UY", "UZ", "VA", "VC", "VE", "VG", "VI",
    "VN", "VU", "WF", "WS", "YE", "YT", "ZA", "ZM", "ZW",
};
/* clang-format on */

/* What people write instead: codes of the internet, of the EU, of languages, and alpha-3. */
static const struct {
    char written[4], meant[3];
} habits[] = {
    { "UK", "GB" },  { "EL", "GR" },  { "EN", "GB" },  { "JA", "JP" },  { "KO", "KR" },  { "SP", "ES" },
    { "USA", "US" }, { "GBR", "GB" }, { "DEU", "DE" }, { "JPN", "JP" }, { "FRA", "FR" }, { "CHE", "CH" },
};

static int compare(const void *code, const void *row)
{
    return strcmp(code, row);
}

/* The table's own text of the code; NULL: it is not assigned. */
static const char *find(const char *code)
{
    return bsearch(code, assigned, sizeof(assigned) / sizeof(assigned[0]), sizeof(assigned[0]), compare);
}

bool country_is_assigned(const char *code)
{
    return code != NULL && strnlen(code, 3) == 2 && find(code) != NULL;
}

const char *country_meant(const char *code)
{
    char capitals[4] = "";

    if (code == NULL || strnlen(code, 4) > 3)
        return NULL;
    for (size_t i = 0; code[i] != '\0'; i++)
        capitals[i] = code[i] >= 'a' && code[i] <= 'z' ? (char)(code[i] - 'a' + 'A') : code[i];
    for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++)
        if (strcmp(habits[i].written, capitals) == 0)
            return habits[i].meant;
    return find(capitals);
}
