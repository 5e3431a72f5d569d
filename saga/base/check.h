/* Attributes for declarations: MUST_CHECK warns if the result of a fallible function is ignored, PRINTF_LIKE
 * checks the arguments of a format. Includes assert(). */
#ifndef ALMONER_BASE_CHECK_H
#define ALMONER_BASE_CHECK_H

/* assert is always on, also in release builds: after a broken contract nothing more is stored */
#include <assert.h>

#define MUST_CHECK              __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

#endif
