/* One function for each type of option: checks a JSON value and stores it in its field, or adds an error. */
#ifndef ALMONER_CONFIG_PARSE_H
#define ALMONER_CONFIG_PARSE_H

#include "config/reader.h"

typedef void parse_function(struct config_reader *r, const struct config_option *option, const json_t *value,
							void *base);

/* Each reads `value` for `option` into its field in `base`, the struct of its section. */

/* parse_number.c */
void parse_bool(struct config_reader *r, const struct config_option *option, const json_t *value, void *base);
void parse_integer(struct config_reader *r, const struct config_option *option, const json_t *value,
				   void *base);
void parse_number(struct config_reader *r, const struct config_option *option, const json_t *value,
				  void *base);
void parse_duration(struct config_reader *r, const struct config_option *option, const json_t *value,
					void *base);
void parse_size(struct config_reader *r, const struct config_option *option, const json_t *value, void *base);
void parse_rate(struct config_reader *r, const struct config_option *option, const json_t *value, void *base);

/* parse_text.c */
void parse_string(struct config_reader *r, const struct config_option *option, const json_t *value,
				  void *base);
void parse_path(struct config_reader *r, const struct config_option *option, const json_t *value, void *base);
void parse_choice(struct config_reader *r, const struct config_option *option, const json_t *value,
				  void *base);
void parse_mark(struct config_reader *r, const struct config_option *option, const json_t *value, void *base);
void parse_jq(struct config_reader *r, const struct config_option *option, const json_t *value, void *base);
void parse_event_id(struct config_reader *r, const struct config_option *option, const json_t *value,
					void *base);
void parse_texts(struct config_reader *r, const struct config_option *option, const json_t *value,
				 void *base);
void parse_paths(struct config_reader *r, const struct config_option *option, const json_t *value,
				 void *base);
void parse_jqs(struct config_reader *r, const struct config_option *option, const json_t *value, void *base);
void parse_order_by(struct config_reader *r, const struct config_option *option, const json_t *value,
					void *base);
void parse_secrets(struct config_reader *r, const struct config_option *option, const json_t *value,
				   void *base);
void parse_settings(struct config_reader *r, const struct config_option *option, const json_t *value,
					void *base);

/* parse_net.c */
void parse_address(struct config_reader *r, const struct config_option *option, const json_t *value,
				   void *base);
void parse_sockets(struct config_reader *r, const struct config_option *option, const json_t *value,
				   void *base);
void parse_url(struct config_reader *r, const struct config_option *option, const json_t *value, void *base);
void parse_store(struct config_reader *r, const struct config_option *option, const json_t *value,
				 void *base);
void parse_timezone(struct config_reader *r, const struct config_option *option, const json_t *value,
					void *base);
void parse_cidrs(struct config_reader *r, const struct config_option *option, const json_t *value,
				 void *base);

/* verify.c */
void parse_verify(struct config_reader *r, const struct config_option *option, const json_t *value,
				  void *base);

/* Adds the error "this is an array (expected …)". */
void parse_wrong_kind(struct config_reader *r, const json_t *value, const char *expected);
/* A text that is written literally or as a reference to the environment or a file. Fresh and not empty;
 * NULL after an error was added. */
char *parse_plain_text(struct config_reader *r, const json_t *value);
/* Replaces the text in a char * field; takes `text`. */
void parse_set(const struct config_option *option, void *base, char *text);

#endif
