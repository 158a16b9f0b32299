package command

// Completion is what a shell offers for a value or an argument. The zero value offers nothing: only
// the user can know.
type Completion struct {
	Words    func() []Word // called only when a shell asks
	Rules    bool          // the IDs of rules, those of the site's configuration too
	Not      []string      // of Words and Rules, what is not offered
	Commands bool          // virt-audit's commands
	Files    bool
	Endings  []string // of the names of files, without the dot; "/" is directories alone
}

// Word is a word that a shell offers, and what it means.
type Word struct{ Text, About string }

// The completions of files.
var (
	AnyFile     = Completion{Files: true}
	Directories = Completion{Files: true, Endings: []string{"/"}}
)

// FilesEnding completes names of files with these endings, and directories.
func FilesEnding(endings ...string) Completion { return Completion{Files: true, Endings: endings} }

// OneOf completes words.
func OneOf(words ...string) Completion {
	return Completion{Words: func() []Word {
		out := make([]Word, len(words))
		for i, w := range words {
			out[i].Text = w
		}
		return out
	}}
}

// words returns the texts of Words.
func (c Completion) words() []string {
	if c.Words == nil {
		return nil
	}
	var out []string
	for _, w := range c.Words() {
		out = append(out, w.Text)
	}
	return out
}
