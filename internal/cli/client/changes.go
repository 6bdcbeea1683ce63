package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"kanrin.dev/kanrin/api/inventory"
)

// maxEvent bounds one line of the stream of changes.
const maxEvent = 1 << 20

// Changes calls each for every change until the stream ends or ctx does; it returns why.
func (c *Client) Changes(ctx context.Context, each func(inventory.Change)) error {
	r := request{method: http.MethodGet, path: []string{"changes"}, verb: "watch", resource: "clusters"}
	response, err := c.send(ctx, r)
	if err != nil {
		return r.failed(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(make([]byte, 0, 4096), maxEvent)
	var data []string
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "data:"):
			data = append(data, strings.TrimPrefix(strings.TrimPrefix(line, "data:"), " "))
		case line == "" && len(data) > 0:
			var change inventory.Change
			if err := json.Unmarshal([]byte(strings.Join(data, "\n")), &change); err != nil {
				return r.failed(fmt.Errorf("%w: %v", ErrForeign, err))
			}
			data = nil
			each(change)
		}
	}
	if err := lines.Err(); err != nil {
		return r.failed(fmt.Errorf("reading changes: %w", err))
	}
	return nil
}
