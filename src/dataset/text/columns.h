/* columns.h - what the columns of tables are called, and what they hold
 *
 * One table of names for both extraction and redaction. A new name is one line in columns.c.
 */
#ifndef XCOMPLIANCE_COLUMNS_H
#define XCOMPLIANCE_COLUMNS_H

#include <stdbool.h>

#pragma GCC visibility push(hidden)

enum column_role {
  COLUMN_ID,                     /* of the tweet; in a table of users, of the user */
  COLUMN_AUTHOR,                 /* the id of its author */
  COLUMN_RETWEETED,              /* the id of the tweet that it retweets */
  COLUMN_RETWEETED_AUTHOR,       /* and of its author */
  COLUMN_QUOTED,                 /* the id of the tweet that it quotes */
  COLUMN_QUOTED_AUTHOR,          /* and of its author */
  COLUMN_QUOTED_TEXT,            /* the words of that tweet */
  COLUMN_PLACE,                  /* where it was written */
  COLUMN_ROLES,                  /* the user may name the columns of those above */
  COLUMN_WEAK_ID = COLUMN_ROLES, /* `id`, which may be the number of the row */
  COLUMN_EITHER,                 /* the id of a tweet that it retweets or quotes */
  COLUMN_EITHER_AUTHOR,
  COLUMN_KIND, /* "retweet" says which */
  COLUMN_TEXT,
  COLUMN_USERNAME,
  COLUMN_OTHER,
};

/* What the option for a role is called: "id", "author" and so on, in the order of the roles;
 * NULL-ended. */
extern const char *const column_role_names[COLUMN_ROLES + 1];

/* The role of the column `name`; upper and lower case are the same. */
enum column_role columns_role(const char *name);

/* A column that the user has named. */
struct column_name {
  enum column_role role;
  const char *name; /* NULL ends a list of these */
};

/* A copy of a list, or NULL if memory is short; and its end. Both may be NULL. */
struct column_name *columns_copy(const struct column_name *names);
void columns_free(const struct column_name *names);

enum { COLUMN_NAMES_MAX = 64 };

#pragma GCC visibility pop

#endif
