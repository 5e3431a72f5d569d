/* What every fallible function of the project carries. */
#ifndef ALMONER_BASE_CHECK_H
#define ALMONER_BASE_CHECK_H

#include <assert.h> /* asserts stay on in release builds: a broken invariant stops the process */

#define MUST_CHECK              __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

#endif
