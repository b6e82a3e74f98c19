// Package docs reads the pages of the project, for the tests that compare them with the code.
package docs
