// Package web holds the console's front end as it was built: `npm run build` in this folder writes dist, and this package embeds it.
//
// It serves nothing; internal/console does. Invariant: it compiles without a build, with an empty front end, so that no Go work waits
// for npm.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var files embed.FS

// Dist is the built front end: index.html, assets/ with hashed names, and beside every text file its .gz and .br.
func Dist() fs.FS {
	sub, err := fs.Sub(files, "dist")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}
