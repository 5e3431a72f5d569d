/* Parsing of numbers, durations, sizes and rates. */
#include "config/parse.h"

#include "config/units.h"
#include "saga/base/mem.h"

void parse_wrong_kind(struct config_reader *r, const json_t *value, const char *expected)
{
	reader_error(r, expected, "this is %s", reader_kind_of(value));
}

static bool in_range(const struct config_option *option, double value)
{
	if (option->least == 0 && option->most == 0)
		return true;
	return value >= option->least && value <= option->most;
}

void parse_bool(struct config_reader *r, const struct config_option *option, const json_t *value, void *base)
{
	if (!json_is_boolean(value))
		parse_wrong_kind(r, value, "true or false");
	else
		*(bool *)option_field(option, base) = json_is_true(value);
}

void parse_integer(struct config_reader *r, const struct config_option *option, const json_t *value,
				   void *base)
{
	char *expected AUTO_FREE = mem_printf("a whole number from %.0f to %.0f", option->least, option->most);
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value))
		parse_wrong_kind(r, value, expected);
	else if (!in_range(option, (double)number))
		reader_error(r, expected, "%lld is out of range", (long long)number);
	else
		*(int64_t *)option_field(option, base) = number;
}

void parse_number(struct config_reader *r, const struct config_option *option, const json_t *value,
				  void *base)
{
	char *expected AUTO_FREE = mem_printf("a number from %g to %g", option->least, option->most);
	double number = json_number_value(value);

	if (!json_is_number(value))
		parse_wrong_kind(r, value, expected);
	else if (!in_range(option, number))
		reader_error(r, expected, "%g is out of range", number);
	else
		*(double *)option_field(option, base) = number;
}

typedef void units_text(int64_t value, char out[UNITS_TEXT_BYTES]);

/* `as_text` writes the limits in the unit of the option, for the message. */
static void set_in_range(struct config_reader *r, const struct config_option *option, int64_t measure,
						 units_text *as_text, void *base)
{
	char least[UNITS_TEXT_BYTES], most[UNITS_TEXT_BYTES], written[UNITS_TEXT_BYTES];

	if (in_range(option, (double)measure)) {
		*(int64_t *)option_field(option, base) = measure;
		return;
	}
	as_text((int64_t)option->least, least);
	as_text((int64_t)option->most, most);
	as_text(measure, written);
	{
		char *expected AUTO_FREE = mem_printf("%s to %s", least, most);

		reader_error(r, expected, "%s is out of range", written);
	}
}

static void report_bad_form(struct config_reader *r, const char *text, const char *form)
{
	char clipped[READER_CLIP_BYTES];

	reader_clip(text, clipped);
	reader_error(r, form, "\"%s\" has the wrong form", clipped);
}

/* A plain number gets a message of its own, because seconds are a likely guess. */
void parse_duration(struct config_reader *r, const struct config_option *option, const json_t *value,
					void *base)
{
	int64_t ms = 0;

	if (json_is_integer(value)) {
		long long number = json_integer_value(value);

		reader_error(r, UNITS_DURATION_FORM, "%lld has no unit; for seconds write \"%llds\"", number, number);
	} else if (!json_is_string(value))
		parse_wrong_kind(r, value, UNITS_DURATION_FORM);
	else if (units_duration(json_string_value(value), &ms) != 0)
		report_bad_form(r, json_string_value(value), UNITS_DURATION_FORM);
	else
		set_in_range(r, option, ms, units_duration_text, base);
}

void parse_size(struct config_reader *r, const struct config_option *option, const json_t *value, void *base)
{
	int64_t bytes = json_integer_value(value);

	if (json_is_string(value) && units_size(json_string_value(value), &bytes) != 0)
		report_bad_form(r, json_string_value(value), UNITS_SIZE_FORM);
	else if (!json_is_string(value) && !json_is_integer(value))
		parse_wrong_kind(r, value, UNITS_SIZE_FORM);
	else if (bytes < 0)
		reader_error(r, UNITS_SIZE_FORM, "a size is not negative");
	else
		set_in_range(r, option, bytes, units_size_text, base);
}

void parse_rate(struct config_reader *r, const struct config_option *option, const json_t *value, void *base)
{
	if (json_is_integer(value)) {
		long long number = json_integer_value(value);

		reader_error(r, UNITS_RATE_FORM, "%lld has no unit; for %lld per second write \"%lld/s\"", number,
					 number, number);
	} else if (!json_is_string(value))
		parse_wrong_kind(r, value, UNITS_RATE_FORM);
	else if (units_rate(json_string_value(value), option_field(option, base)) != 0)
		report_bad_form(r, json_string_value(value), UNITS_RATE_FORM);
}
