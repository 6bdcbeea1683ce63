package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// count reads what a server says about itself, a JSON document in each line, and lets it count the rows of each table.
func (d *database) count(ctx context.Context, described string, query func(database, schema, table string) string,
	ask func(database string, queries []string) (out, reason string, err error),
) error {
	places := map[string]int{}
	for line := range strings.Lines(described) {
		var row struct {
			Version, DB, Schema, Table string
			Views, Routines            int
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			return fmt.Errorf("reading what the scratch server holds: %w", err)
		}
		switch {
		case row.Version != "":
			d.result.Server = row.Version
		case row.Table == "":
			places[row.DB] = len(d.result.Databases)
			d.result.Databases = append(d.result.Databases, LoadedDatabase{Name: row.DB, Views: row.Views, Routines: row.Routines})
		default:
			if i, ok := places[row.DB]; ok {
				d.result.Databases[i].Tables = append(d.result.Databases[i].Tables, Table{Schema: row.Schema, Name: row.Table})
			}
		}
	}
	for i := range d.result.Databases {
		db := &d.result.Databases[i]
		for tables := range slices.Chunk(db.Tables, 100) {
			var queries []string
			for _, t := range tables {
				queries = append(queries, query(db.Name, t.Schema, t.Name))
			}
			out, reason, err := ask(db.Name, queries)
			if err != nil {
				return d.failed(ctx, QueryFailed, reason, err)
			}
			counts := strings.Fields(out)
			if len(counts) != len(tables) {
				return d.failed(ctx, QueryFailed, "fewer answers than tables", errHopeless)
			}
			for j := range tables {
				if _, err := fmt.Sscan(counts[j], &tables[j].Rows); err != nil {
					return fmt.Errorf("reading the number of rows: %w", err)
				}
			}
		}
	}
	return nil
}
