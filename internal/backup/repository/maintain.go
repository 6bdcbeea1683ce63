package repository

// owner maintains the repository, for kopia.
const owner = "kanrin@kanrin"
