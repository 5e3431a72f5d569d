/* One function for each type of option: checks a JSON value and stores it in its field, or adds an error. */
#ifndef ALMONER_CONFIG_PARSE_H
#define ALMONER_CONFIG_PARSE_H

#include "config/reader.h"

typedef void parse_function(struct config_reader *r, const struct config_option *option, const json_t *value,
							void *base);

parse_function parse_bool, parse_integer, parse_number, parse_duration, parse_size, parse_rate;
parse_function parse_string, parse_path, parse_choice, parse_mark, parse_jq, parse_texts, parse_jqs,
	parse_paths;
parse_function parse_address, parse_sockets, parse_url, parse_store, parse_timezone, parse_cidrs;
parse_function parse_verify, parse_event_id, parse_secrets, parse_settings, parse_order_by;

/* Adds the error "this is an array (expected …)". */
void parse_wrong_kind(struct config_reader *r, const json_t *value, const char *expected);
/* A text that is written literally or as a reference to the environment or a file. Fresh and not empty;
 * NULL after an error was added. */
char *parse_plain_text(struct config_reader *r, const json_t *value);
/* Replaces the text in a char * field; takes `text`. */
void parse_set(const struct config_option *option, void *base, char *text);

#endif
