/* shapes.c - see shapes.h
 *
 * The lines of all shapes make a tree of keys for each kind of object: records, tweets, users,
 * references. The object at a place may be of several kinds, so a state of the automaton is a set
 * of one or more nodes, and a step leads from the set to the set of their children.
 */
#include "dataset/text/shapes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "file.h"

enum {
  WORDS_MAX = 4096,
  NODES_MAX = 8192,
  TOGETHER_MAX = 8, /* nodes of a state */
  LINE_WORDS_MAX = 4,
  FACTORS_TRIED = 64,
  FILE_MAX = 1 << 20, /* bytes of a file of shapes */
};

/* Kinds of objects; bits, and the numbers of their trees. */
enum { RECORD, TWEET, USER, REFERENCE, HOLDERS };
enum { IN_RECORD = 1, IN_TWEET = 2, IN_USER = 4, IN_REFERENCE = 8, ANYWHERE = 16 };

static const struct {
  const char *name;
  unsigned holders;
} holder_names[] = {
    {"record", IN_RECORD},       {"tweet", IN_TWEET},         {"user", IN_USER},
    {"any", IN_TWEET | IN_USER}, {"reference", IN_REFERENCE}, {"anywhere", ANYWHERE},
};

/* What follows a role. */
enum argument { NO_ARGUMENT, A_RANK, A_PART };

static const struct role {
  const char *name;
  enum shape_action action;
  uint8_t argument, mark;
  enum argument takes;
  unsigned holders; /* whose members may have it */
} roles[] = {
    {"id", SHAPE_ID, 0, 0, A_RANK, IN_TWEET | IN_USER},
    {"maybe-id", SHAPE_MAYBE_ID, 1, 0, NO_ARGUMENT, IN_TWEET | IN_USER},
    {"author-id", SHAPE_AUTHOR_ID, 0, SHAPE_TWEET_MARK, NO_ARGUMENT, IN_TWEET},
    {"version-id", SHAPE_VERSION_ID, 0, 0, NO_ARGUMENT, IN_TWEET},
    {"retweeted-id", SHAPE_RETWEETED_ID, 0, 0, NO_ARGUMENT, IN_TWEET},
    {"retweeted-author-id", SHAPE_RETWEETED_AUTHOR_ID, 0, 0, NO_ARGUMENT, IN_TWEET},
    {"mark", SHAPE_NONE, 0, 0, NO_ARGUMENT, IN_TWEET | IN_USER},
    {"only-item", SHAPE_OBJECT, AT_DATA, 0, NO_ARGUMENT, IN_RECORD},
    {"item", SHAPE_OBJECT, AT_ITEM, 0, NO_ARGUMENT, IN_RECORD},
    {"tweet-item", SHAPE_OBJECT, AT_TWEET_ITEM, 0, NO_ARGUMENT, IN_RECORD},
    {"included-tweet", SHAPE_OBJECT, AT_INCLUDED_TWEET, 0, NO_ARGUMENT, IN_RECORD},
    {"included-user", SHAPE_OBJECT, AT_INCLUDED_USER, 0, NO_ARGUMENT, IN_RECORD},
    {"retweeted", SHAPE_OBJECT, AT_RETWEETED, 0, NO_ARGUMENT, IN_TWEET},
    {"quoted", SHAPE_OBJECT, AT_QUOTED, 0, NO_ARGUMENT, IN_TWEET},
    {"reference", SHAPE_OBJECT, AT_REFERENCE, 0, NO_ARGUMENT, IN_TWEET},
    {"posted", SHAPE_OBJECT, AT_POSTED, 0, NO_ARGUMENT, IN_USER},
    {"author", SHAPE_OBJECT, AT_AUTHOR, 0, NO_ARGUMENT, IN_TWEET},
    {"other-user", SHAPE_OBJECT, AT_OTHER_USER, 0, NO_ARGUMENT, IN_TWEET},
    {"inside", SHAPE_INSIDE, 0, 0, NO_ARGUMENT, IN_TWEET | IN_USER},
    {"place", SHAPE_PLACE, 0, 0, NO_ARGUMENT, IN_TWEET},
    {"type", SHAPE_TYPE, 0, 0, NO_ARGUMENT, IN_REFERENCE},
    {"part", SHAPE_PART, 0, 0, A_PART, IN_RECORD},
    {"key", SHAPE_KEY, 0, 0, NO_ARGUMENT, IN_RECORD},
    {"refers", SHAPE_REFERS, 0, 0, A_PART, IN_TWEET},
};

/* Which kinds of objects may be at a position. */
static const struct {
  enum record_position position;
  unsigned holders;
} start_holders[] = {
    {AT_ROOT, IN_RECORD | IN_TWEET | IN_USER},
    {AT_ROOT_ELEMENT, IN_RECORD | IN_TWEET | IN_USER},
    {AT_DATA, IN_TWEET | IN_USER},
    {AT_ITEM, IN_TWEET | IN_USER},
    {AT_TWEET_ITEM, IN_TWEET},
    {AT_INCLUDED_TWEET, IN_TWEET},
    {AT_INCLUDED_USER, IN_USER},
    {AT_RETWEETED, IN_TWEET},
    {AT_QUOTED, IN_TWEET},
    {AT_REFERENCE, IN_TWEET | IN_REFERENCE},
    {AT_POSTED, IN_TWEET},
    {AT_AUTHOR, IN_USER},
    {AT_OTHER_USER, IN_USER},
};

struct node {
  uint16_t word, first_child, sibling;
  struct shape_step step; /* without its state */
  bool has_inside;        /* below it, or itself */
};

struct state {
  uint16_t nodes[TOGETHER_MAX];
  uint8_t count, owner; /* the state of the object around it, if that matters */
};

struct build {
  struct shapes *shapes;
  struct error *error;
  const char *name; /* of the shape or file whose lines are read */
  uint64_t line;
  struct node *nodes;
  uint32_t node_count;
  struct state *states; /* from 1 */
  uint32_t state_count;
  uint32_t prefix_count;
};

/* {==================================================================
** Errors and memory
** =================================================================== */

static bool refuse(struct build *build, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct build *build, const char *format, ...) {
  char problem[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(problem, sizeof problem, format, arguments);
  va_end(arguments);
  error_at(build->error, ERROR_DATA, build->name, build->line, 0, "%s (see docs/shapes.md)",
           problem);
  return false;
}

/* Texts live as long as the shapes, each after a pointer to the one before. */
static char *keep(struct build *build, const char *text, size_t size) {
  char **block = calloc(1, sizeof *block + size + 16);
  if (!block) {
    error_memory(build->error, "reading the shapes of datasets");
    return NULL;
  }
  *block = build->shapes->memory;
  build->shapes->memory = block;
  return memcpy(block + 1, text, size);
}

/* }================================================================== */

/* {==================================================================
** Words
** =================================================================== */

/* The number of a word, which is made if it is new; 0 with an error. */
static uint32_t word_of(struct build *build, const char *text, size_t size) {
  struct shapes *shapes = build->shapes;
  struct shape_word *word;
  for (uint32_t i = SHAPE_FIRST_KEY; i < shapes->word_count; i++)
    if (shapes->words[i].size == size && memcmp(shapes->words[i].text, text, size) == 0) return i;
  if (shapes->word_count == WORDS_MAX) {
    refuse(build, "more than %d different names of members", WORDS_MAX);
    return 0;
  }
  word = &shapes->words[shapes->word_count];
  word->text = keep(build, text, size);
  if (!word->text) return 0;
  word->size = (uint32_t)size;
  word->first = shapes_eight_bytes(word->text, size);
  word->second = size > 8 ? shapes_eight_bytes(word->text + 8, size - 8) : 0;
  return shapes->word_count++;
}

/* How many words share their slot of the table with another. */
static uint32_t count_collisions(struct shapes *shapes) {
  uint32_t collisions = 0;
  memset(shapes->slots, 0, sizeof shapes->slots);
  for (uint32_t i = SHAPE_FIRST_KEY; i < shapes->word_count; i++) {
    uint16_t *slot =
        &shapes->slots[shapes_slot(shapes, shapes->words[i].first, shapes->words[i].size)];
    collisions += *slot != 0;
    *slot = (uint16_t)i;
  }
  return collisions;
}

/* Words that share a slot are chained, so any factor works; the best of some is used. */
static void fill_slots(struct shapes *shapes) {
  uint64_t factor = 0x9e3779b97f4a7c15u, best = factor;
  uint32_t fewest = UINT32_MAX;
  for (int i = 0; i < FACTORS_TRIED && fewest > 0; i++) {
    uint32_t collisions;
    factor = (factor ^ factor >> 31) * 0xbf58476d1ce4e5b9u | 1;
    shapes->factor = factor;
    collisions = count_collisions(shapes);
    if (collisions >= fewest) continue;
    fewest = collisions;
    best = factor;
  }
  shapes->factor = best;
  memset(shapes->slots, 0, sizeof shapes->slots);
  for (uint32_t i = SHAPE_FIRST_KEY; i < shapes->word_count; i++) {
    struct shape_word *word = &shapes->words[i];
    uint16_t *slot = &shapes->slots[shapes_slot(shapes, word->first, word->size)];
    word->next = *slot;
    *slot = (uint16_t)i;
  }
}

uint32_t shapes_find_escaped(const struct shapes *shapes, struct json_text text) {
  char decoded[256 + 8] = {0};
  text.size = json_decode(text, decoded, 256);
  text.text = decoded;
  if (text.size > 256 || memchr(decoded, '\\', text.size)) return SHAPE_NO_WORD;
  return shapes_find(shapes, text);
}

/* }================================================================== */

/* {==================================================================
** Lines
** =================================================================== */

/* The child of a node for a word, made if it is new; 0 with an error. */
static uint32_t child_of(struct build *build, uint32_t parent, uint32_t word) {
  uint32_t i;
  struct node *node;
  for (i = build->nodes[parent].first_child; i != 0; i = build->nodes[i].sibling)
    if (build->nodes[i].word == word) return i;
  if (build->node_count == NODES_MAX) {
    refuse(build, "more than %d different paths", NODES_MAX);
    return 0;
  }
  node = &build->nodes[build->node_count];
  node->word = (uint16_t)word;
  node->sibling = build->nodes[parent].first_child;
  build->nodes[parent].first_child = (uint16_t)build->node_count;
  return build->node_count++;
}

/* The node at the end of a path "key.key[]{}"; 0 with an error. */
static uint32_t node_at(struct build *build, uint32_t node, const char *path) {
  const char *at = path;
  while (*at) {
    size_t size = strcspn(at, ".[{");
    uint32_t word = size > 0 ? word_of(build, at, size) : 0;
    if (size == 0) {
      refuse(build, "\"%.80s\" is not a path of keys, [] and {}", path);
      return 0;
    }
    if (!word || !(node = child_of(build, node, word))) return 0;
    for (at += size; *at == '[' || *at == '{'; at += 2) {
      bool list = at[0] == '[';
      if (at[1] != (list ? ']' : '}')) {
        refuse(build, "\"%.80s\" has a bracket that is not closed at once", path);
        return 0;
      }
      node = child_of(build, node, list ? SHAPE_ELEMENT : SHAPE_NO_WORD);
      if (!node) return 0;
    }
    if (*at == '.' && at[1]) {
      at++;
    } else if (*at) {
      refuse(build, "\"%.80s\" is not a path of keys, [] and {}", path);
      return 0;
    }
  }
  return node;
}

static bool put_role(struct build *build, uint32_t node, const struct role *role, uint8_t argument,
                     uint8_t mark, const char *path) {
  struct shape_step *step = &build->nodes[node].step;
  step->mark |= mark;
  if (role->action == SHAPE_NONE) return true;
  if (step->action != SHAPE_NONE && (step->action != role->action || step->argument != argument))
    return refuse(build, "%.80s already has another role", path);
  step->action = (uint8_t)role->action;
  step->argument = argument;
  return true;
}

static bool read_argument(struct build *build, const struct role *role, const char *text,
                          uint8_t *argument) {
  static const char *const parts[] = {"media", "polls", "places"};
  *argument = role->argument;
  if (role->takes == NO_ARGUMENT) {
    if (text) return refuse(build, "nothing may follow the role %s", role->name);
    return true;
  }
  if (role->takes == A_RANK) {
    if (!text || text[0] < '1' || text[0] > '7' || text[1])
      return refuse(build,
                    "the role id needs a rank from 1 to 7: of several ids in an object those "
                    "of the highest rank count");
    *argument = (uint8_t)(text[0] - '0');
    return true;
  }
  for (uint8_t i = 0; text && i < 3; i++)
    if (strcmp(text, parts[i]) == 0) {
      *argument = i;
      return true;
    }
  return refuse(build, "the role %s needs one of media, polls, places", role->name);
}

/* A line about a key at any place, or about ids. */
static bool read_anywhere(struct build *build, const char *path, const char *name,
                          const char *argument) {
  struct shapes *shapes = build->shapes;
  uint32_t word;
  uint8_t says = strcmp(name, "known") == 0    ? SHAPE_KNOWN
                 : strcmp(name, "notice") == 0 ? SHAPE_NOTICE
                                               : 0;
  if (argument) return refuse(build, "nothing may follow the role %s", name);
  if (strcmp(name, "prefix") == 0) {
    if (build->prefix_count == SHAPES_PREFIXES_MAX - 1)
      return refuse(build, "more than %d prefixes", SHAPES_PREFIXES_MAX - 1);
    shapes->prefixes[build->prefix_count] = keep(build, path, strlen(path));
    return shapes->prefixes[build->prefix_count++] != NULL;
  }
  if (!says)
    return refuse(
        build, "anywhere a key may be known or notice, or ids have a prefix; not \"%.40s\"", name);
  word = word_of(build, path, strlen(path));
  if (word) shapes->words[word].says |= says;
  return word != 0;
}

static bool read_rule(struct build *build, unsigned holders, const char *path, const char *name,
                      const char *text) {
  const struct role *role = roles, *end = roles + sizeof roles / sizeof *roles;
  uint8_t argument;
  while (role < end && strcmp(role->name, name) != 0)
    role++;
  if (role == end) return refuse(build, "there is no role \"%.40s\"", name);
  if (holders & ~role->holders)
    return refuse(build, "the role %s is not for members of this kind of object", name);
  if (!read_argument(build, role, text, &argument)) return false;
  for (uint32_t holder = 0; holder < HOLDERS; holder++) {
    uint8_t mark = role->mark;
    uint32_t node;
    if (!(holders & 1u << holder)) continue;
    if (strcmp(name, "mark") == 0) mark = holder == USER ? SHAPE_USER_MARK : SHAPE_TWEET_MARK;
    node = node_at(build, holder, path);
    if (!node || !put_role(build, node, role, argument, mark, path)) return false;
  }
  return true;
}

/* Splits a line, which is changed, into at most LINE_WORDS_MAX words; LINE_WORDS_MAX + 1: more. */
static int split(char *line, char *words[LINE_WORDS_MAX]) {
  int count = 0;
  char *rest = NULL;
  for (char *word = strtok_r(line, " \t\r", &rest); word && word[0] != '#';
       word = strtok_r(NULL, " \t\r", &rest)) {
    if (count == LINE_WORDS_MAX) return LINE_WORDS_MAX + 1;
    words[count++] = word;
  }
  return count;
}

static bool read_line(struct build *build, char *line) {
  char *words[LINE_WORDS_MAX];
  int count = split(line, words);
  if (count == 0) return true;
  if (count < 3 || count > LINE_WORDS_MAX)
    return refuse(build, "a line is HOLDER PATH ROLE, as in: tweet author_id author-id");
  for (size_t i = 0; i < sizeof holder_names / sizeof *holder_names; i++) {
    if (strcmp(words[0], holder_names[i].name) != 0) continue;
    if (holder_names[i].holders == ANYWHERE)
      return read_anywhere(build, words[1], words[2], count > 3 ? words[3] : NULL);
    return read_rule(build, holder_names[i].holders, words[1], words[2],
                     count > 3 ? words[3] : NULL);
  }
  return refuse(build, "\"%.40s\" is not record, tweet, user, any, reference or anywhere",
                words[0]);
}

static bool read_text(struct build *build, const char *text, const char *name) {
  char *copy = strdup(text), *rest = copy, *line;
  bool done = copy != NULL || error_memory(build->error, "reading the shapes of datasets");
  build->name = name;
  build->line = 0;
  while (done && (line = strsep(&rest, "\n"))) {
    build->line++;
    done = read_line(build, line);
  }
  free(copy);
  return done;
}

/* }================================================================== */

/* {==================================================================
** States
** =================================================================== */

static bool find_inside(struct build *build, uint32_t i) {
  struct node *node = &build->nodes[i];
  node->has_inside = node->step.action == SHAPE_INSIDE;
  for (uint32_t child = node->first_child; child != 0; child = build->nodes[child].sibling)
    if (find_inside(build, child)) node->has_inside = true;
  return node->has_inside;
}

static void add_node(struct state *state, uint32_t node) {
  for (uint32_t i = 0; i < state->count; i++)
    if (state->nodes[i] == node) return;
  if (state->count < TOGETHER_MAX) state->nodes[state->count++] = (uint16_t)node;
}

/* The number of a state, which is made if it is new; 0 with an error. */
static uint32_t state_of(struct build *build, const struct state *wanted) {
  for (uint32_t i = 1; i <= build->state_count; i++)
    if (memcmp(&build->states[i], wanted, sizeof *wanted) == 0) return i;
  if (build->state_count == SHAPES_STATES_MAX) {
    refuse(build, "the shapes have too many different places");
    return 0;
  }
  build->states[++build->state_count] = *wanted;
  return build->state_count;
}

/* The states in which objects begin, by what may be at their positions. */
static bool make_starts(struct build *build) {
  for (size_t i = 0; i < sizeof start_holders / sizeof *start_holders; i++) {
    struct state start = {0};
    uint32_t state;
    for (uint32_t holder = 0; holder < HOLDERS; holder++)
      if (start_holders[i].holders & 1u << holder) add_node(&start, holder);
    state = state_of(build, &start);
    if (!state) return false;
    build->shapes->starts[start_holders[i].position] = (uint8_t)state;
  }
  return true;
}

static bool merge_step(struct build *build, struct shape_step *step, const struct node *node) {
  const struct shape_step *other = &node->step;
  step->mark |= other->mark;
  if (other->action == SHAPE_NONE) return true;
  if (step->action != SHAPE_NONE &&
      (step->action != other->action || step->argument != other->argument)) {
    build->line = 0;
    return refuse(build,
                  "\"%s\" has two roles, one in a tweet and another in a user or "
                  "record, but both may be here",
                  node->word >= SHAPE_FIRST_KEY ? build->shapes->words[node->word].text : "[]");
  }
  step->action = other->action;
  step->argument = other->argument;
  return true;
}

/* The step from a state by a word. */
static bool make_step(struct build *build, uint32_t from, uint32_t word, struct shape_step *step) {
  struct state target = {0};
  uint8_t owner = build->states[from].owner ? build->states[from].owner : (uint8_t)from;
  bool inside = false;
  for (uint32_t i = 0; i < build->states[from].count; i++) {
    const struct node *node = &build->nodes[build->states[from].nodes[i]];
    for (uint32_t child = node->first_child; child != 0; child = build->nodes[child].sibling) {
      if (build->nodes[child].word != word) continue;
      if (!merge_step(build, step, &build->nodes[child])) return false;
      if (build->nodes[child].first_child) add_node(&target, child);
      inside = inside || build->nodes[child].has_inside;
    }
  }
  if (step->action == SHAPE_INSIDE) {
    step->state = owner;
    return true;
  }
  if (target.count == 0) return true;
  if (inside) target.owner = owner;
  step->state = (uint8_t)state_of(build, &target);
  return step->state != 0;
}

static struct shape_step *steps_of(const struct shapes *shapes, int table, uint32_t state) {
  return shapes->steps[table] + (size_t)state * shapes->word_count;
}

static bool is_none(const struct shape_step *step) {
  static const struct shape_step none;
  return memcmp(step, &none, sizeof none) == 0;
}

/* Every key of a map leads to what its values are. */
static void spread_map(const struct shapes *shapes, struct shape_step *steps) {
  if (is_none(&steps[SHAPE_NO_WORD])) return;
  for (uint32_t word = SHAPE_FIRST_KEY; word < shapes->word_count; word++)
    if (is_none(&steps[word])) steps[word] = steps[SHAPE_NO_WORD];
}

static bool make_steps_from(struct build *build, uint32_t state, struct shape_step *steps) {
  for (uint32_t i = 0; i < build->states[state].count; i++) {
    const struct node *node = &build->nodes[build->states[state].nodes[i]];
    for (uint32_t child = node->first_child; child != 0; child = build->nodes[child].sibling) {
      uint32_t word = build->nodes[child].word;
      if (is_none(&steps[word]) && !make_step(build, state, word, &steps[word])) return false;
    }
  }
  return true;
}

static bool make_steps(struct build *build) {
  struct shapes *shapes = build->shapes;
  size_t room = (size_t)(SHAPES_STATES_MAX + 1) * shapes->word_count;
  shapes->steps[SHAPES_ALL] = calloc(room, sizeof(struct shape_step));
  if (!shapes->steps[SHAPES_ALL])
    return error_memory(build->error, "reading the shapes of datasets");
  for (uint32_t state = 1; state <= build->state_count; state++) { /* which grow during the loop */
    struct shape_step *steps = steps_of(shapes, SHAPES_ALL, state);
    if (!make_steps_from(build, state, steps)) return false;
    spread_map(shapes, steps);
  }
  shapes->state_count = build->state_count + 1;
  return true;
}

static bool is_of_page(const struct shape_step *step) {
  return step->action == SHAPE_PART || step->action == SHAPE_INSIDE ||
         (step->action == SHAPE_OBJECT && step->argument <= AT_INCLUDED_USER);
}

static bool is_cut(const struct shape_step *step) {
  return step->action == SHAPE_OBJECT || step->action == SHAPE_PLACE || step->action == SHAPE_PART;
}

/* What extraction does not need. */
static bool is_for_redaction(const struct shape_step *step) {
  switch (step->action) {
  case SHAPE_VERSION_ID:
  case SHAPE_PLACE:
  case SHAPE_TYPE:
  case SHAPE_PART:
  case SHAPE_KEY:
  case SHAPE_REFERS: return true;
  default: return false;
  }
}

/* Sets `flags` of the states from which a step is `wanted`; with `deep` also of those from which a
 * step leads to one of them. */
static void find_states(const struct shapes *shapes, int table, bool deep, bool *flags,
                        bool (*wanted)(const struct shape_step *step)) {
  for (bool again = true; again;) {
    again = false;
    for (uint32_t state = 1; state < shapes->state_count; state++) {
      const struct shape_step *steps = steps_of(shapes, table, state);
      if (flags[state]) continue;
      for (uint32_t word = 0; word < shapes->word_count && !flags[state]; word++)
        flags[state] =
            !is_none(&steps[word]) && (wanted(&steps[word]) || (deep && flags[steps[word].state]));
      again = again || (deep && flags[state]);
    }
  }
}

static bool is_useful(const struct shape_step *step) {
  return step->action != SHAPE_NONE || step->mark != 0;
}

/* The steps for extraction: those of redaction without what it does not need. */
static bool make_id_steps(struct build *build) {
  struct shapes *shapes = build->shapes;
  size_t count = (size_t)shapes->state_count * shapes->word_count;
  bool useful[SHAPES_STATES_MAX + 1] = {false};
  struct shape_step *steps = malloc(count * sizeof *steps);
  if (!steps) return error_memory(build->error, "reading the shapes of datasets");
  shapes->steps[SHAPES_IDS] = memcpy(steps, shapes->steps[SHAPES_ALL], count * sizeof *steps);
  for (size_t i = 0; i < count; i++)
    if (is_for_redaction(&steps[i])) steps[i].action = SHAPE_NONE;
  find_states(shapes, SHAPES_IDS, true, useful, is_useful);
  for (size_t i = 0; i < count; i++)
    if (!useful[steps[i].state]) steps[i].state = 0;
  return true;
}

static bool make_automaton(struct build *build) {
  struct shapes *shapes = build->shapes;
  for (uint32_t holder = 0; holder < HOLDERS; holder++)
    find_inside(build, holder);
  if (!make_starts(build) || !make_steps(build)) return false;
  find_states(shapes, SHAPES_ALL, false, shapes->cuts, is_cut);
  find_states(shapes, SHAPES_ALL, true, shapes->holds, is_of_page);
  fill_slots(shapes);
  return make_id_steps(build);
}

/* }================================================================== */

static bool build_shapes(struct build *build, const char *text, const char *path) {
  struct shapes *shapes = build->shapes;
  const struct shape_text *shape;
  shapes->words = calloc(WORDS_MAX, sizeof *shapes->words);
  build->nodes = calloc(NODES_MAX, sizeof *build->nodes);
  build->states = calloc(SHAPES_STATES_MAX + 1, sizeof *build->states);
  if (!shapes->words || !build->nodes || !build->states)
    return error_memory(build->error, "reading the shapes of datasets");
  shapes->word_count = SHAPE_FIRST_KEY;
  build->node_count = HOLDERS;
  for (size_t i = 0; (shape = shapes_builtin(i)); i++)
    if (!read_text(build, shape->text, shape->name)) return false;
  if (text && !read_text(build, text, path)) return false;
  shapes->id_word = (uint16_t)word_of(build, "id", 2);
  shapes->number_word = (uint16_t)word_of(build, "$numberLong", 11);
  return shapes->id_word && shapes->number_word && make_automaton(build);
}

struct shapes *shapes_new_from(const char *text, const char *path, struct error *error) {
  struct build build = {.shapes = calloc(1, sizeof(struct shapes)), .error = error};
  bool done = build.shapes ? build_shapes(&build, text, path)
                           : error_memory(build.error, "reading the shapes of datasets");
  free(build.nodes);
  free(build.states);
  if (done) return build.shapes;
  shapes_free(build.shapes);
  return NULL;
}

struct shapes *shapes_new(const char *path, struct error *error) {
  struct shapes *shapes = NULL;
  char *text;
  int64_t size = 0, got = 1;
  int descriptor;
  if (!path) return shapes_new_from(NULL, NULL, error);
  descriptor = file_open(path, NULL, error);
  if (descriptor < 0) return NULL;
  text = calloc(1, FILE_MAX + 1);
  while (text && got > 0 && size < FILE_MAX) {
    got =
        file_read(descriptor, text + size, (size_t)(FILE_MAX - size), (uint64_t)size, path, error);
    if (got > 0) size += got;
  }
  close(descriptor);
  if (!text)
    error_memory(error, "reading %s", path);
  else if (size == FILE_MAX)
    error_at(error, ERROR_DATA, path, 0, 0, "is too large to be a file of shapes");
  else if (got >= 0)
    shapes = shapes_new_from(text, path, error);
  free(text);
  return shapes;
}

void shapes_free(struct shapes *shapes) {
  if (!shapes) return;
  for (void **block = shapes->memory, **before; block; block = before) {
    before = *block;
    free(block);
  }
  for (int table = 0; table < SHAPES_TABLES; table++)
    free(shapes->steps[table]);
  free(shapes->words);
  free(shapes);
}
