/* judge.c - see judge.h */
#include "dataset/redaction/judge.h"

#include <stdlib.h>
#include <string.h>

#include "dataset/text/doubt.h"
#include "dataset/text/record.h"
#include "file.h"
#include "memory.h"

/* What is known of one object of the record. */
struct finding {
  struct {
    uint8_t level; /* enum level: its own, then with what follows from others */
    uint8_t cause; /* the bit number of the fact after it */
    uint8_t type;  /* of the verdict: enum verdicts_type */
    uint32_t at;   /* the offset of the id that it is about */
    uint64_t id;
  } condemned;
  bool scrub; /* its places go */
  uint8_t scrub_cause;
  bool rehydrate;
  bool authored; /* a tweet with an author */
  bool gone;     /* it, or something around it, is removed */
};

/* A name of a media, poll or place that tweets refer to; in a table with open addressing. */
struct reference {
  uint64_t hash;
  uint32_t key; /* a key with this name: index in the record's keys; RECORD_NONE: a free slot */
  bool needed;  /* a tweet that stays refers to it */
};

/* The cuts: objects, then parts, then parts that are no longer referred to. */
enum { PLACE_RUNS = 3, NOW_AND_THEN = 1 << 14 };

struct state {
  struct judge public;
  struct record *record;
  const struct reader_record *text;
  struct finding *findings;    /* by object */
  uint32_t *cut_counts;        /* by list: how many of its items are cut */
  struct record_place *places; /* that are cut */
  size_t runs[PLACE_RUNS];     /* where in `places` each run ends: each is in the record's order */
  struct reference *references;
  struct prefilter_hits hits;
  uint64_t seed; /* of their hashes, so that nobody can choose names that collide */
  size_t finding_room, list_room, place_room, cut_room, reference_room;
  size_t place_count, reference_count; /* references: slots of the table, a power of two */
  bool fits[VERDICTS_TYPES]; /* an id of this type's verdicts was found where it belongs */
  bool no_memory;
};

/* {==================================================================
** Policy
** =================================================================== */

void policy_matter(const struct policy *policy, uint32_t matter[VERDICTS_TYPES]) {
  matter[VERDICTS_USERS] = policy->remove | policy->quarantine | policy->stop | policy->scrub;
  matter[VERDICTS_TWEETS] = matter[VERDICTS_USERS] | policy->rehydrate;
}

/* The facts that decide. */
static uint32_t deciding(const struct policy *policy, uint32_t facts) {
  if (facts & policy->remove) return facts & policy->remove;
  if (facts & policy->quarantine) return facts & policy->quarantine;
  return facts & policy->stop;
}

/* What a set of facts results in. */
static enum level policy_level(const struct policy *policy, uint32_t facts) {
  if (facts & policy->remove) return LEVEL_REMOVE;
  if (facts & policy->quarantine) return LEVEL_QUARANTINE;
  return facts & policy->stop ? LEVEL_STOP : LEVEL_NONE;
}

static uint8_t lowest_bit(uint32_t facts) {
  return facts ? (uint8_t)__builtin_ctz(facts) : 0;
}

/* }================================================================== */

/* {==================================================================
** Findings
** =================================================================== */

#define RESERVE(state, name, name_room, wanted)                                                    \
  ((state)->no_memory |=                                                                           \
   !memory_reserve(&(state)->name, &(state)->name_room, wanted, sizeof *(state)->name))

static void apply_facts(struct state *state, const struct record_id *id, enum verdicts_type type,
                        uint32_t facts) {
  const struct policy *policy = state->public.policy;
  struct finding *finding = &state->findings[id->object];
  enum level level;
  /* a tweet whose history names an edited one may itself be the new version */
  if (id->role == ID_EDIT_HISTORY) facts &= ~(uint32_t)FACT_REHYDRATE;
  level = policy_level(policy, facts);
  if (level > finding->condemned.level) {
    finding->condemned.level = (uint8_t)level;
    finding->condemned.cause = lowest_bit(deciding(policy, facts));
    finding->condemned.type = (uint8_t)type;
    finding->condemned.id = id->id;
    finding->condemned.at = id->at;
  }
  if (id->role != ID_OWN && id->role != ID_AUTHOR) return; /* only condemns */
  if (facts & policy->scrub) {
    finding->scrub = true;
    finding->scrub_cause = lowest_bit(facts & policy->scrub);
  }
  if (facts & policy->rehydrate && id->role == ID_OWN) finding->rehydrate = true;
}

/* Verdicts of the other type are recognised only if none of them fits. A small number may be the id
 * of a tweet and of a user, and proves nothing. */
static void look_for_strangers(struct state *state, enum verdicts_type other, uint64_t id,
                               struct judge_counts *counts) {
  if (id > UINT32_MAX && !state->fits[other] && prefilter_facts(state->public.filter, other, id))
    counts->strange[other]++;
}

/* Now and then in a long loop: whether the task was cancelled. */
static bool is_cancelled(const struct state *state, uint32_t i) {
  struct task *task = state->public.task;
  return i % NOW_AND_THEN == 0 && task && task_cancelled(task);
}

/* In which verdicts an id is looked up; false: in none. The ids of bare references count only if
 * they are retweeted; see condemns_parent. */
static bool is_asked(const struct record *record, const struct record_id *id,
                     enum verdicts_type *type) {
  const struct record_object *object = &record->objects[id->object];
  bool user =
      id->role == ID_AUTHOR || id->role == ID_RETWEETED_AUTHOR || object->kind == RECORD_USER;
  *type = user ? VERDICTS_USERS : VERDICTS_TWEETS;
  return id->role != ID_KNOWN &&
         (object->kind != RECORD_NEITHER || (object->position == AT_REFERENCE && object->retweet));
}

static void judge_id(struct state *state, const struct record_id *id, struct judge_counts *counts) {
  enum verdicts_type type;
  uint32_t facts;
  bool asked = is_asked(state->record, id, &type);
  if (id->role == ID_AUTHOR) state->findings[id->object].authored = true;
  if (!asked) return;
  facts = prefilter_facts(state->public.filter, type, id->id);
  look_for_strangers(state, type == VERDICTS_USERS ? VERDICTS_TWEETS : VERDICTS_USERS, id->id,
                     counts);
  if (!facts) return;
  counts->own[type]++;
  state->fits[type] = true;
  apply_facts(state, id, type, facts);
}

/* The latest tweet in a user object has that user for its author, unless it says otherwise. */
static void judge_statuses(struct state *state) {
  const struct record *record = state->record;
  for (uint32_t i = 0; i < record->object_count; i++) {
    const struct record_object *object = &record->objects[i];
    struct finding *finding = &state->findings[i];
    const struct finding *user;
    if (object->position != AT_POSTED || object->kind != RECORD_TWEET || finding->authored)
      continue;
    user = &state->findings[object->parent];
    if (user->condemned.level > finding->condemned.level) finding->condemned = user->condemned;
    if (user->scrub && !finding->scrub) finding->scrub_cause = user->scrub_cause;
    finding->scrub = finding->scrub || user->scrub;
  }
}

/* Whether a finding on an object applies to the tweet around it. */
static bool condemns_parent(const struct record_object *object) {
  return object->position == AT_RETWEETED || object->position == AT_AUTHOR ||
         (object->position == AT_REFERENCE && object->retweet);
}

/* Children come after their parents, so going backwards each is finished before it is used. */
static void judge_parents(struct state *state) {
  const struct record *record = state->record;
  for (uint32_t i = record->object_count; i-- > 0;) {
    const struct record_object *object = &record->objects[i];
    const struct finding *finding = &state->findings[i];
    struct finding *parent;
    if (!condemns_parent(object)) continue;
    parent = &state->findings[object->parent];
    if (finding->condemned.level > parent->condemned.level) parent->condemned = finding->condemned;
  }
}

static bool judge_objects(struct state *state, struct judge_counts *counts) {
  const struct record *record = state->record;
  RESERVE(state, findings, finding_room, record->object_count + 1); /* never without memory */
  RESERVE(state, cut_counts, list_room, record->list_count + 1);
  if (state->no_memory) return false;
  memset(state->findings, 0, record->object_count * sizeof *state->findings);
  memset(state->cut_counts, 0, record->list_count * sizeof *state->cut_counts);
  state->place_count = 0;
  for (uint32_t i = 0; i < record->id_count && !is_cancelled(state, i); i++)
    judge_id(state, &record->ids[i], counts);
  judge_statuses(state);
  judge_parents(state);
  return true;
}

/* The first hit at or after an offset. */
static size_t first_hit(const struct prefilter_hits *hits, size_t offset) {
  size_t low = 0, high = hits->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (hits->at[middle] < offset)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Whether anything can be found: an id that the filter knows is a hit. */
static bool may_be_found(const struct state *state) {
  const struct judge *judge = &state->public;
  size_t start, i;
  if (!judge->seen) return true;
  start = (size_t)(state->text->text - judge->seen_text);
  i = first_hit(judge->seen, start);
  return i < judge->seen->count && judge->seen->at[i] < start + state->text->size;
}

static bool is_found(const struct state *state) {
  for (uint32_t i = 0; i < state->record->object_count; i++) {
    const struct finding *finding = &state->findings[i];
    if (finding->condemned.level != LEVEL_NONE || finding->scrub || finding->rehydrate) return true;
  }
  return false;
}

/* }================================================================== */

/* {==================================================================
** What is removed
** =================================================================== */

static void cut_place(struct state *state, const struct record_place *place) {
  RESERVE(state, places, place_room, state->place_count + 1);
  if (state->no_memory) return;
  state->places[state->place_count++] = *place;
  state->cut_counts[place->list]++;
}

static bool is_in_page(enum record_position position) {
  return position == AT_ITEM || position == AT_TWEET_ITEM;
}

static bool goes_itself(const struct record_object *object, const struct finding *finding) {
  return finding->condemned.level == LEVEL_REMOVE && object->kind != RECORD_NEITHER;
}

/* Pages that are removed completely: the record, or an element of a record that is an array. */
static void empty_pages(struct state *state) {
  const struct record *record = state->record;
  for (uint32_t i = 0; i < record->object_count; i++) {
    const struct record_object *object = &record->objects[i];
    if (!goes_itself(object, &state->findings[i])) continue;
    if (is_in_page(object->position) &&
        ++state->cut_counts[object->place.list] == record->lists[object->place.list].items)
      state->findings[object->parent].gone = true;
    if (object->position == AT_DATA) state->findings[object->parent].gone = true;
    if (object->position == AT_ROOT || object->position == AT_ROOT_ELEMENT)
      state->findings[i].gone = true;
  }
  memset(state->cut_counts, 0, record->list_count * sizeof *state->cut_counts);
}

/* Marks what is removed, and notes the places of what is removed by itself. Elements that are not
 * records (of `mentions`, say) and members are all cut in the same way. */
static void cut_objects(struct state *state) {
  const struct record *record = state->record;
  for (uint32_t i = 0; i < record->object_count; i++) {
    const struct record_object *object = &record->objects[i];
    struct finding *finding = &state->findings[i];
    if (object->parent != RECORD_NONE && state->findings[object->parent].gone) {
      finding->gone = true;
      continue;
    }
    if (!finding->gone) finding->gone = goes_itself(object, finding);
    /* a reference keeps its type and id; a retweet's are removed with the tweet around it */
    if (finding->gone && object->position != AT_REFERENCE && object->place.list != RECORD_NONE)
      cut_place(state, &object->place);
  }
}

static void cut_parts(struct state *state) {
  const struct record *record = state->record;
  for (uint32_t i = 0; i < record->part_count; i++) {
    const struct record_part *part = &record->parts[i];
    const struct record_object *object = &record->objects[part->object];
    const struct finding *finding = &state->findings[part->object];
    bool outer_gone = object->parent != RECORD_NONE && state->findings[object->parent].gone;
    if (part->kind == PART_REFERENCE_OTHER && finding->gone && !outer_gone)
      cut_place(state, &part->place);
    if (part->kind == PART_GEO && finding->scrub && object->kind == RECORD_TWEET && !finding->gone)
      cut_place(state, &part->place);
  }
}

/* }================================================================== */

/* {==================================================================
** Media, polls and places that are no longer referred to
** =================================================================== */

static uint64_t hash_text(const struct state *state, enum record_part_kind kind,
                          struct json_text text) {
  uint64_t hash = state->seed + (uint64_t)kind;
  char decoded[256];
  if (text.escaped) {
    text.size = json_decode(text, decoded, sizeof decoded);
    if (text.size > sizeof decoded) text.size = sizeof decoded;
    text.text = decoded;
  }
  for (size_t i = 0; i < text.size && i < sizeof decoded; i++)
    hash = verdict_hash(hash ^ (unsigned char)text.text[i]);
  return hash;
}

/* The slot of a name in the table: its own, or a free one. */
static struct reference *find_reference(const struct state *state, enum record_part_kind kind,
                                        struct json_text text, uint64_t hash) {
  size_t mask = state->reference_count - 1, at = hash & mask;
  for (;; at = (at + 1) & mask) {
    struct reference *reference = &state->references[at];
    const struct record_key *key = &state->record->keys[reference->key];
    if (reference->key == RECORD_NONE) return reference;
    if (reference->hash == hash && key->kind == kind &&
        json_same(text, record_text(state->text, key->key)))
      return reference;
  }
}

static bool list_references(struct state *state) {
  const struct record *record = state->record;
  size_t count = 2;
  while (count < 2 * (size_t)record->key_count)
    count *= 2;
  RESERVE(state, references, reference_room, count);
  if (state->no_memory) return false;
  state->reference_count = count;
  for (size_t i = 0; i < count; i++)
    state->references[i].key = RECORD_NONE;
  for (uint32_t i = 0; i < record->key_count && !is_cancelled(state, i); i++) {
    const struct record_key *key = &record->keys[i];
    const struct finding *finding = &state->findings[key->object];
    struct json_text text = record_text(state->text, key->key);
    uint64_t hash = hash_text(state, key->kind, text);
    struct reference *reference = find_reference(state, key->kind, text, hash);
    if (reference->key == RECORD_NONE) *reference = (struct reference){hash, i, false};
    if (!finding->gone && !(key->kind == PART_PLACE && finding->scrub)) reference->needed = true;
  }
  return true;
}

/* Whether tweets referred to the part, and none that stays does. */
static bool is_orphan(const struct state *state, const struct record_part *part) {
  struct json_text text = record_text(state->text, part->key);
  const struct reference *reference =
      find_reference(state, part->kind, text, hash_text(state, part->kind, text));
  return reference->key != RECORD_NONE && !reference->needed;
}

static bool is_kept_key(const struct record_part *part) {
  return part->kind != PART_MEDIA && part->kind != PART_POLL && part->kind != PART_PLACE;
}

static void cut_orphans(struct state *state) {
  const struct record *record = state->record;
  bool listed = false;
  for (uint32_t i = 0; i < record->part_count && !is_cancelled(state, i); i++) {
    const struct record_part *part = &record->parts[i];
    if (is_kept_key(part) || part->key.start == 0 || state->findings[part->object].gone) continue;
    if (!listed && !list_references(state)) return;
    listed = true;
    if (is_orphan(state, part)) cut_place(state, &part->place);
  }
}

/* }================================================================== */

/* {==================================================================
** Cuts
** =================================================================== */

/* The next place in the record's order, of the runs that begin at `next`; NULL after the last. */
static const struct record_place *next_place(const struct state *state, size_t next[PLACE_RUNS]) {
  const struct record_place *first = NULL;
  int from = 0;
  for (int run = 0; run < PLACE_RUNS; run++) {
    const struct record_place *place = &state->places[next[run]];
    if (next[run] == state->runs[run] || (first && first->start < place->start)) continue;
    first = place;
    from = run;
  }
  if (first) next[from]++;
  return first;
}

static void add_cut(struct judge *judge, uint32_t start, uint32_t end) {
  struct cut *last = judge->cut_count > 0 ? &judge->cuts[judge->cut_count - 1] : NULL;
  if (last && last->end == start)
    last->end = end;
  else
    judge->cuts[judge->cut_count++] = (struct cut){start, end};
}

/* Cuts each place and one comma: an item is removed with the comma after it if no item before it
 * stays, else with the one before it. The white space stays, so that the order in which items are
 * removed makes no difference. */
static void make_cuts(struct state *state) {
  struct judge *judge = &state->public;
  const struct record_place *place;
  size_t next[PLACE_RUNS] = {0, state->runs[0], state->runs[1]};
  judge->cut_count = 0;
  if (state->place_count == 0) return;
  if (!memory_reserve(&judge->cuts, &state->cut_room, 2 * state->place_count, sizeof *judge->cuts))
    state->no_memory = true;
  if (state->no_memory) return;
  memset(state->cut_counts, 0, state->record->list_count * sizeof *state->cut_counts);
  while ((place = next_place(state, next))) {
    bool stays_before = state->cut_counts[place->list]++ < place->ordinal;
    if (stays_before) add_cut(judge, place->comma_before, place->comma_before + 1);
    add_cut(judge, place->start, place->end);
    if (!stays_before && place->comma_after != RECORD_NONE)
      add_cut(judge, place->comma_after, place->comma_after + 1);
  }
}

/* }================================================================== */

/* {==================================================================
** Judgements
** =================================================================== */

static bool is_dropped(const struct state *state) {
  const struct record_object *first = &state->record->objects[0];
  if (state->record->object_count == 0) return false;
  if (first->position == AT_ROOT) return state->findings[0].gone;
  return state->cut_counts[first->place.list] == state->record->lists[first->place.list].items;
}

/* The first object that stays, has the level, and is not inside something that is removed. */
static const struct finding *find_level(const struct state *state, enum level level) {
  for (uint32_t i = 0; i < state->record->object_count; i++)
    if (state->findings[i].condemned.level == level && !state->findings[i].gone &&
        state->record->objects[i].kind != RECORD_NEITHER)
      return &state->findings[i];
  return NULL;
}

static enum judgement stop_at(struct judge *judge, const struct finding *finding) {
  judge->stop.id = finding->condemned.id;
  judge->stop.at = finding->condemned.at;
  judge->stop.type = (enum verdicts_type)finding->condemned.type;
  return JUDGED_STOP;
}

static void count_objects(const struct state *state, struct judge_counts *counts) {
  for (uint32_t i = 0; i < state->record->object_count; i++) {
    const struct finding *finding = &state->findings[i];
    enum record_kind kind = state->record->objects[i].kind;
    enum verdicts_type type = kind == RECORD_USER ? VERDICTS_USERS : VERDICTS_TWEETS;
    if (kind == RECORD_NEITHER) continue;
    if (finding->condemned.level != LEVEL_NONE)
      counts->objects[type][finding->condemned.cause]++;
    else if (finding->scrub && kind == RECORD_TWEET)
      counts->objects[type][finding->scrub_cause]++;
    else if (finding->rehydrate)
      counts->objects[type][lowest_bit(FACT_REHYDRATE)]++;
  }
}

void judge_add_counts(struct judge_counts *to, const struct judge_counts *from) {
  for (int type = 0; type < VERDICTS_TYPES; type++) {
    to->own[type] += from->own[type];
    to->strange[type] += from->strange[type];
    for (int fact = 0; fact < FACT_KINDS; fact++)
      to->objects[type][fact] += from->objects[type][fact];
  }
}

static void add_rehydrate(struct state *state, uint64_t id) {
  struct id_list *list = &state->public.rehydrate;
  if (memory_reserve(&list->ids, &list->room, list->count + 1, sizeof *list->ids))
    list->ids[list->count++] = id;
  else
    state->no_memory = true;
}

static void list_rehydrated(struct state *state) {
  for (uint32_t i = 0; i < state->record->id_count; i++) {
    const struct record_id *id = &state->record->ids[i];
    const struct finding *finding = &state->findings[id->object];
    bool tweet = state->record->objects[id->object].kind == RECORD_TWEET; /* no bare reference */
    if (tweet && finding->rehydrate && !finding->gone && id->role == ID_OWN)
      add_rehydrate(state, id->id);
  }
}

static enum judgement decide(struct state *state) {
  const struct finding *stop;
  empty_pages(state);
  cut_objects(state);
  state->runs[0] = state->place_count;
  if (is_dropped(state)) return JUDGED_DROPPED;
  cut_parts(state);
  state->runs[1] = state->place_count;
  if (state->place_count > 0) cut_orphans(state);
  state->runs[2] = state->place_count;
  make_cuts(state);
  if (find_level(state, LEVEL_QUARANTINE)) return JUDGED_QUARANTINED;
  stop = find_level(state, LEVEL_STOP);
  if (stop) return stop_at(&state->public, stop);
  list_rehydrated(state);
  return state->place_count > 0 ? JUDGED_CHANGED : JUDGED_KEPT;
}

/* }================================================================== */

/* {==================================================================
** Doubts
** =================================================================== */

static bool is_cut(const struct judge *judge, uint32_t at) {
  size_t low = 0, high = judge->cut_count; /* the first cut that ends after it */
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (judge->cuts[middle].end <= at)
      low = middle + 1;
    else
      high = middle;
  }
  return low < judge->cut_count && judge->cuts[low].start <= at;
}

/* Whether an id that stays is condemned, as a tweet's or as a user's. */
static bool is_condemned(void *context, uint64_t id, uint32_t at) {
  const struct judge *judge = context;
  uint32_t facts = prefilter_facts(judge->filter, VERDICTS_TWEETS, id) |
                   prefilter_facts(judge->filter, VERDICTS_USERS, id);
  return policy_level(judge->policy, facts & ~(uint32_t)FACT_REHYDRATE) != LEVEL_NONE &&
         !is_cut(judge, at);
}

/* Whether one of the ids that the filter finds may be at an unknown place. Most are not, which
 * shows without reading the record again. */
static bool may_be_doubtful(struct state *state) {
  const struct reader_record *text = state->text;
  const struct judge *judge = &state->public;
  const struct prefilter_hits *hits = judge->seen ? judge->seen : &state->hits;
  size_t offset = judge->seen ? (size_t)(text->text - judge->seen_text) : 0;
  uint32_t noted = 0;
  if (!judge->seen && !prefilter_find_all(judge->filter, text->text, text->size, &state->hits)) {
    state->no_memory = true;
    return false;
  }
  if (hits->partial) return true;
  for (size_t i = first_hit(hits, offset); i < hits->count; i++) {
    uint32_t at = (uint32_t)(hits->at[i] - offset);
    if (hits->at[i] >= offset + text->size) return false;
    if (!is_cut(judge, at) && doubt_may_be_id(state->record, text, at, &noted)) return true;
  }
  return false;
}

/* Whether a record that stays is not understood, so that something condemned may stay in it. */
static bool is_doubtful(struct state *state, const char *path, struct error *error) {
  struct judge *judge = &state->public;
  struct doubt_id found;
  if (state->record->class == RECORD_UNRECOGNISED) {
    doubt_unrecognised(state->record, path, state->text, error);
    return true;
  }
  if (state->record->class == RECORD_NOTICE) return false;
  if (!may_be_doubtful(state)) return false;
  if (!doubt_find_id(state->record, state->text, is_condemned, judge, &found)) return false;
  doubt_condemned_id(&found, path, state->text, error);
  return true;
}

/* }================================================================== */

/* {==================================================================
** Records and rows
** =================================================================== */

static enum judgement fail(const char *path, struct error *error) {
  error_memory(error, "redacting %s", path);
  return JUDGED_FAILED;
}

enum judgement judge_record(struct judge *judge, const char *path, const struct reader_record *text,
                            struct error *error) {
  struct state *state = (struct state *)judge;
  struct judge_counts counts = {0};
  enum judgement judgement = JUDGED_KEPT;
  size_t listed = judge->rehydrate.count;
  bool found;
  state->record->task = judge->task;
  if (!record_walk(state->record, path, text, error))
    return error->code == ERROR_DATA ? JUDGED_MALFORMED : JUDGED_FAILED;
  state->text = text;
  state->no_memory = false;
  judge->class = state->record->class;
  judge->cut_count = 0;
  found = may_be_found(state) && judge_objects(state, &counts) && is_found(state);
  if (found) judgement = decide(state);
  if (state->no_memory) return fail(path, error);
  if (is_cancelled(state, 0)) {
    error_set(error, ERROR_CANCELLED, "redacting %s was cancelled", path);
    return JUDGED_FAILED;
  }
  if (judgement == JUDGED_STOP) return judgement;
  if (!judge->trusting && (judgement == JUDGED_KEPT || judgement == JUDGED_CHANGED) &&
      is_doubtful(state, path, error)) {
    judge->rehydrate.count = listed;
    return JUDGED_DOUBTFUL;
  }
  if (state->no_memory) return fail(path, error);
  if (found) count_objects(state, &counts);
  judge_add_counts(&judge->counts, &counts);
  return judgement;
}

bool judge_cause(const struct judge *judge, uint32_t *next, struct judge_cause *cause) {
  const struct record *record = ((const struct state *)judge)->record;
  const struct policy *policy = judge->policy;
  while (*next < record->id_count) {
    const struct record_id *id = &record->ids[(*next)++];
    uint32_t facts, decides;
    if (!is_asked(record, id, &cause->type)) continue;
    facts = prefilter_facts(judge->filter, cause->type, id->id);
    if (id->role == ID_EDIT_HISTORY) facts &= ~(uint32_t)FACT_REHYDRATE;
    decides = deciding(policy, facts);
    if (!decides && (id->role == ID_OWN || id->role == ID_AUTHOR))
      decides = facts & policy->scrub ? facts & policy->scrub : facts;
    if (!decides) continue;
    cause->id = id->id;
    cause->fact = decides & (0 - decides);
    cause->level = policy_level(policy, facts);
    cause->at = id->at;
    cause->role = (enum record_role)id->role;
    cause->position = record->objects[id->object].position;
    return true;
  }
  return false;
}

/* The verdicts that an id of a row is looked up in. */
static enum verdicts_type row_type(const struct id_row *row, enum id_row_role role) {
  bool user = role == ROW_AUTHOR || role == ROW_RETWEETED_AUTHOR || role == ROW_QUOTED_AUTHOR ||
              (role == ROW_OWN && row->user);
  return user ? VERDICTS_USERS : VERDICTS_TWEETS;
}

/* The facts about a row: all that decide about it, those about its places, and those about the text
 * of the tweet that it quotes. */
struct row_facts {
  uint32_t all, places, own, quoted;
};

static struct row_facts find_row_facts(struct judge *judge, const struct id_row *row) {
  struct row_facts found = {0};
  for (uint32_t i = 0; i < row->count; i++) {
    enum id_row_role role = row->ids[i].role;
    enum verdicts_type type = row_type(row, role);
    uint32_t facts = prefilter_facts(judge->filter, type, row->ids[i].id);
    judge->counts.own[type] += facts != 0;
    if (role == ROW_QUOTED || role == ROW_QUOTED_AUTHOR) {
      found.quoted |= facts & ~(uint32_t)FACT_REHYDRATE;
      continue;
    }
    found.all |= facts;
    if (role == ROW_OWN || role == ROW_AUTHOR) found.places |= facts;
    if (role == ROW_OWN) found.own |= facts;
  }
  return found;
}

/* The first id of the row that has the cause. */
static enum judgement stop_row(struct judge *judge, const struct id_row *row, uint32_t cause) {
  for (uint32_t i = 0; i < row->count; i++) {
    enum verdicts_type type = row_type(row, row->ids[i].role);
    if (!(prefilter_facts(judge->filter, type, row->ids[i].id) & cause)) continue;
    judge->stop.id = row->ids[i].id;
    judge->stop.type = type;
    break;
  }
  return JUDGED_STOP;
}

/* A row stays, except for some of its cells. */
static enum judgement keep_row(struct state *state, struct id_row *row,
                               const struct row_facts *found) {
  struct judge *judge = &state->public;
  const struct policy *policy = judge->policy;
  uint64_t *counts = judge->counts.objects[VERDICTS_TWEETS];
  if (row->user) return JUDGED_KEPT;
  if (found->own & policy->rehydrate)
    for (uint32_t i = 0; i < row->count; i++)
      if (row->ids[i].role == ROW_OWN) add_rehydrate(state, row->ids[i].id);
  if (state->no_memory) return JUDGED_FAILED;
  row->empty_places = (found->places & policy->scrub) != 0;
  row->empty_words = policy_level(policy, found->quoted) == LEVEL_REMOVE;
  if (row->empty_words) counts[lowest_bit(deciding(policy, found->quoted))]++;
  if (row->empty_places)
    counts[lowest_bit(found->places & policy->scrub)]++;
  else if (found->own & policy->rehydrate)
    counts[lowest_bit(FACT_REHYDRATE)]++;
  return row->empty_places || row->empty_words ? JUDGED_CHANGED : JUDGED_KEPT;
}

/* A row is a tweet or a user and holds nothing else, except perhaps text of a tweet that it quotes.
 */
enum judgement judge_row(struct judge *judge, struct id_row *row) {
  struct state *state = (struct state *)judge;
  const struct policy *policy = judge->policy;
  struct row_facts found = find_row_facts(judge, row);
  enum level level = policy_level(policy, found.all);
  enum level quoted = policy_level(policy, found.quoted);
  uint64_t *counts = judge->counts.objects[row->user ? VERDICTS_USERS : VERDICTS_TWEETS];
  row->empty_places = row->empty_words = false;
  state->no_memory = false;
  if (level == LEVEL_REMOVE || level == LEVEL_QUARANTINE) {
    counts[lowest_bit(deciding(policy, found.all))]++;
    return level == LEVEL_REMOVE ? JUDGED_DROPPED : JUDGED_QUARANTINED;
  }
  if (quoted == LEVEL_QUARANTINE) {
    counts[lowest_bit(deciding(policy, found.quoted))]++;
    return JUDGED_QUARANTINED;
  }
  if (level == LEVEL_STOP) return stop_row(judge, row, deciding(policy, found.all));
  if (quoted == LEVEL_STOP) return stop_row(judge, row, deciding(policy, found.quoted));
  return keep_row(state, row, &found);
}

struct judge *judge_new(const struct policy *policy, const struct prefilter *filter,
                        const struct shapes *shapes) {
  struct state *state = calloc(1, sizeof *state);
  if (!state) return NULL;
  state->public.policy = policy;
  state->public.filter = filter;
  file_random(&state->seed, sizeof state->seed);
  state->record = record_new(shapes, RECORD_ALL);
  if (state->record) return &state->public;
  free(state);
  return NULL;
}

void judge_free(struct judge *judge) {
  struct state *state = (struct state *)judge;
  if (!state) return;
  record_free(state->record);
  free(state->findings);
  free(state->cut_counts);
  free(state->places);
  free(state->references);
  free(state->hits.at);
  free(judge->cuts);
  free(judge->rehydrate.ids);
  free(state);
}

/* }================================================================== */
