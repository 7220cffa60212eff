#include "fuzz.h"
#include "input_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input_case(INPUT_YAML, data, size);
    return 0;
}
