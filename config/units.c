#include "config/units.h"

#include <stdio.h>
#include <string.h>

#include "saga/base/err.h"

struct config_unit {
	const char *name;
	int64_t factor;
};

static const struct config_unit duration_units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }, { NULL, 0 },
};
static const struct config_unit size_units[] = {
	{ "GiB", 1073741824 }, { "MiB", 1048576 }, { "KiB", 1024 }, { "B", 1 }, { NULL, 0 },
};
static const struct config_unit rate_units[] = {
	{ "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { NULL, 0 }
};

/* The largest value accepted. Sums and products with small factors cannot overflow. */
#define UNITS_LARGEST ((int64_t)1 << 53)

/* Reads the digits at the front of `text`; returns what follows them. NULL without digits or above
 * UNITS_LARGEST. */
static const char *digits(const char *text, int64_t *ret_value)
{
	const char *p = text;
	int64_t value = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (*p - '0');
		if (value > UNITS_LARGEST)
			return NULL;
	}
	*ret_value = value;
	return p == text ? NULL : p;
}

static const struct config_unit *unit_named(const struct config_unit *units, const char *name)
{
	for (; units->name != NULL; units++) {
		if (strcmp(units->name, name) == 0)
			return units;
	}
	return NULL;
}

static int scaled(int64_t count, const struct config_unit *unit, int64_t *ret_value)
{
	if (unit == NULL || count > UNITS_LARGEST / unit->factor)
		return ERR_INVALID;
	*ret_value = count * unit->factor;
	return 0;
}

int units_duration(const char *text, int64_t *ret_ms)
{
	int64_t count = 0;
	const char *rest = digits(text, &count);

	if (rest == NULL)
		return ERR_INVALID;
	if (*rest == '\0' && count == 0) {
		*ret_ms = 0;
		return 0;
	}
	return scaled(count, unit_named(duration_units, rest), ret_ms);
}

int units_size(const char *text, int64_t *ret_bytes)
{
	int64_t count = 0;
	const char *rest = digits(text, &count);

	if (rest == NULL)
		return ERR_INVALID;
	return scaled(count, unit_named(size_units, *rest == '\0' ? "B" : rest), ret_bytes);
}

int units_rate(const char *text, struct config_rate *ret_rate)
{
	int64_t count = 0;
	const char *rest = digits(text, &count);
	const struct config_unit *unit = rest == NULL || *rest != '/' ? NULL : unit_named(rate_units, rest + 1);

	if (unit == NULL || count > UINT32_MAX)
		return ERR_INVALID;
	*ret_rate = (struct config_rate){ (uint32_t)count, unit->factor };
	return 0;
}

static void format_largest_unit(const struct config_unit *units, int64_t value, char out[UNITS_TEXT_BYTES])
{
	while (value % units->factor != 0)
		units++;
	snprintf(out, UNITS_TEXT_BYTES, "%lld%s", (long long)(value / units->factor), units->name);
}

void units_duration_text(int64_t ms, char out[UNITS_TEXT_BYTES])
{
	if (ms == 0)
		memcpy(out, "0", 2);
	else
		format_largest_unit(duration_units, ms, out);
}

void units_size_text(int64_t bytes, char out[UNITS_TEXT_BYTES])
{
	format_largest_unit(bytes == 0 ? &size_units[3] : size_units, bytes, out);
}

void units_rate_text(struct config_rate rate, char out[UNITS_TEXT_BYTES])
{
	const struct config_unit *unit = rate_units;

	while (unit->factor != rate.per_ms && unit[1].name != NULL)
		unit++;
	snprintf(out, UNITS_TEXT_BYTES, "%u/%s", rate.count, unit->name);
}
