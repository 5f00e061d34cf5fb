/* id_form.h - the forms in which people keep ids in lists
 *
 * One id on a line: its digits; the same in quotes, with a comma or semicolon after, or with an x
 * before it (as rtweet writes ids, so that no spreadsheet rounds them); or the address of a tweet,
 * https://twitter.com/NAME/status/DIGITS.
 */
#ifndef XCOMPLIANCE_ID_FORM_H
#define XCOMPLIANCE_ID_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* The id on a line (without blanks and line end) in one of these forms; 0 if it is in none. */
uint64_t id_form_parse(const char *text, size_t size);

/* Whether a line, the first of a file, belongs to a list: an id in one of the forms, or several
 * separated by blanks. */
bool id_form_is_list(const char *text, size_t size);

/* Says why the line is not one id, as id_complain does (ID_COMPLAINT bytes). */
void id_form_complain(const char *text, size_t size, char *complaint);

#pragma GCC visibility pop

#endif
