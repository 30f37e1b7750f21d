/* Sums of a tree ensemble's leaves for rows of doubles. It knows no model: what differs between models is data.
 *
 * Everything that a library does to a value before it compares it is folded into the thresholds beforehand, so that one
 * comparison of doubles is left. Leaves are added in the trees' order, as the library adds them: the order decides the
 * last bits. No floating-point expression here may be contracted (-ffp-contract=off).
 *
 * Shallow trees are given a second time, as levels: a node's children stand side by side, so that the comparison's result
 * is added to the left one's place, and a leaf leads to itself, so that each tree takes as many steps as it is deep
 * whatever the row. That way is for rows that miss nothing.
 *
 * The caller vouches for the arrays: indices within bounds, no cycle, n * width doubles in the rows.
 */
typedef int int32;
typedef long long int64;

struct node {
    double threshold;  /* left if value <= threshold; NaN: never */
    int32 feature;
    int32 child[2];    /* left, right: a node, or ~leaf */
    int32 missing_left;
};

struct level_node {
    double threshold;  /* of a leaf NaN: never left */
    int32 feature;
    int32 left;        /* right is the next one; a leaf is its own right */
};

struct model {
    const struct node *nodes;
    const double *leaves;
    const int32 *roots, *targets;           /* one for each tree */
    const double *base;                     /* one for each sum */
    const double *lowest, *highest;         /* one for each column; lowest is null where every row is taken */
    const int32 *refuses_missing;
    const struct level_node *level_nodes;   /* null where trees are not shallow; the first ones are the roots */
    const double *level_leaves;             /* one for each of them */
    const int32 *depths;                    /* one for each tree */
    int64 trees, columns, sums, single, deepest;
};

const int64 size_of_model = sizeof(struct model);  /* what calls this must mean the same by a model */

enum { BLOCK = 64, LANES = 8 };  /* rows that pass a tree while it is in the cache; rows that walk side by side */

static inline int32 step(const struct node *node, const double *row) {
    double value = row[node->feature];
    int missing = value != value;
    return node->child[!(value <= node->threshold) & !(missing & node->missing_left)];
}

static inline double add(const struct model *m, double sum, double leaf) {
    return m->single ? (double)((float)sum + (float)leaf) : sum + leaf;
}

/* Walk LANES ways at once, down trees or beside each other down one: a step waits for memory, and others use the wait. */
static inline void walk(const struct node *nodes, const double *rows, int64 apart, int32 *place) {
    int32 done;
    do {
        done = -1;
        for (int k = 0; k < LANES; k++) {
            int32 here = place[k], next = step(nodes + (here < 0 ? 0 : here), rows + k * apart);
            place[k] = here < 0 ? here : next;
            done &= place[k];
        }
    } while (done >= 0);
}

static inline double leaf(const struct model *m, int64 tree, const double *row) {
    int32 place = m->roots[tree];
    do place = step(m->nodes + place, row); while (place >= 0);
    return m->leaves[~place];
}

static inline void descend(const struct level_node *nodes, const double *rows, int64 apart, int32 *place, int64 steps) {
    for (; steps > 0; steps--)
        for (int k = 0; k < LANES; k++) {
            const struct level_node *node = nodes + place[k];
            place[k] = node->left + !(rows[k * apart + node->feature] <= node->threshold);
        }
}

static int misses_none(const double *values, int64 n) {
    int64 missing = 0;
    for (int64 i = 0; i < n; i++) missing += values[i] != values[i];
    return !missing;
}

static int refused(const struct model *m, const double *row) {
    int bad = 0;
    for (int64 c = 0; m->lowest && c < m->columns; c++) {
        int missing = row[c] != row[c];
        bad |= missing ? m->refuses_missing[c] : !(row[c] >= m->lowest[c] && row[c] <= m->highest[c]);
    }
    return bad;
}

static void score_block(const struct model *m, const double *rows, int64 n, double *out) {
    int by_level = m->level_nodes && misses_none(rows, n * m->columns);
    for (int64 r = 0; r < n; r++)
        for (int64 s = 0; s < m->sums; s++) out[r * m->sums + s] = m->base[s];
    for (int64 tree = 0; tree < m->trees; tree++) {
        double *sum = out + m->targets[tree];
        int64 r = 0;
        for (; r + LANES <= n; r += LANES) {
            int32 place[LANES];
            if (by_level) {
                for (int k = 0; k < LANES; k++) place[k] = (int32)tree;
                descend(m->level_nodes, rows + r * m->columns, m->columns, place, m->depths[tree]);
                for (int k = 0; k < LANES; k++, sum += m->sums) *sum = add(m, *sum, m->level_leaves[place[k]]);
                continue;
            }
            for (int k = 0; k < LANES; k++) place[k] = m->roots[tree];
            walk(m->nodes, rows + r * m->columns, m->columns, place);
            for (int k = 0; k < LANES; k++, sum += m->sums) *sum = add(m, *sum, m->leaves[~place[k]]);
        }
        for (; r < n; r++, sum += m->sums) *sum = add(m, *sum, leaf(m, tree, rows + r * m->columns));
    }
    for (int64 r = 0; r < n; r++)
        for (int64 s = 0; s < m->sums && refused(m, rows + r * m->columns); s++) out[r * m->sums + s] = __builtin_nan("");
}

/* Write the sums of n rows. Both arrays are given by the address of the pointer to them. */
void score(const struct model *m, const double *const *rows, int64 n, double *const *out) {
    for (int64 r = 0; r < n; r += BLOCK) {
        int64 count = n - r < BLOCK ? n - r : BLOCK;
        score_block(m, *rows + r * m->columns, count, *out + r * m->sums);
    }
}

/* Return the sum of one row, for a model with one sum. */
double score_one(const struct model *m, const double *const *rows) {
    double sum = m->base[0];
    int64 tree = 0;
    for (int by_level = m->level_nodes && misses_none(*rows, m->columns); by_level && tree + LANES <= m->trees; tree += LANES) {
        int32 place[LANES];
        for (int k = 0; k < LANES; k++) place[k] = (int32)(tree + k);
        descend(m->level_nodes, *rows, 0, place, m->deepest);
        for (int k = 0; k < LANES; k++) sum = add(m, sum, m->level_leaves[place[k]]);
    }
    for (; tree + LANES <= m->trees; tree += LANES) {
        int32 place[LANES];
        for (int k = 0; k < LANES; k++) place[k] = m->roots[tree + k];
        walk(m->nodes, *rows, 0, place);
        for (int k = 0; k < LANES; k++) sum = add(m, sum, m->leaves[~place[k]]);
    }
    for (; tree < m->trees; tree++) sum = add(m, sum, leaf(m, tree, *rows));
    return refused(m, *rows) ? __builtin_nan("") : sum;
}
