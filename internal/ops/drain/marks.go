package drain

// Marks that an operation leaves on what it changes: whose change it is, and what was there before. Values of "by" are
// cluster/operation, as in plan.Scope.ID.
const (
	MarkCordonedBy = "kanrin.dev/cordoned-by"
	MarkCordonedAt = "kanrin.dev/cordoned-at"
	MarkSurgedBy   = "kanrin.dev/surged-by"
	MarkSurgedFrom = "kanrin.dev/surged-from"
)
