#ifndef ALMONER_FUZZ_TARGET_H
#define ALMONER_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entry; aborts when a promise is broken. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
