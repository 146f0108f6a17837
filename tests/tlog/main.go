// Checks an audit log from outside with public tools alone: the checkpoint's signature, the root over all leaves, every tile, and proofs
// that were given by RPC. It knows nothing of Trialog but C2SP's formats.
//
// usage: tlogcheck URL KEY < PROOFS
//
//	tlogcheck FILE KEY
//
//	FILE    a proof by itself (C2SP tlog-proof), whose extra data is the leaf; nothing is asked of any server
//	KEY     verifier key of the log, as C2SP signed-note writes it
//	PROOFS  JSON: {"inclusion": [{"index", "size", "leaf", "hashes"}], "consistency": [{"from", "to", "from_root", "hashes"}]}, bytes as base64
//
// It prints JSON, {"origin", "size", "root", "tiles"}, or ends with status 1 and the first fault.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/transparency-dev/formats/log"
	tlogproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

const tileHeight, tileWidth, maxBody = 8, 256, 32 << 20

type proofs struct {
	Inclusion []struct {
		Index, Size uint64
		Leaf        []byte
		Hashes      [][]byte
	}
	Consistency []struct {
		From, To uint64
		FromRoot []byte `json:"from_root"`
		Hashes   [][]byte
	}
}

var client = http.Client{Timeout: 30 * time.Second}

func get(url, contentType string) ([]byte, error) {
	answer, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != contentType {
		return nil, fmt.Errorf("%s: %s, %s", url, answer.Status, answer.Header.Get("Content-Type"))
	}
	return body, nil
}

// 1234067 becomes x001/x234/067.
func indexPath(index uint64) string {
	path := fmt.Sprintf("%03d", index%1000)
	for index /= 1000; index > 0; index /= 1000 {
		path = fmt.Sprintf("x%03d/%s", index%1000, path)
	}
	return path
}

// The path of each tile of `count` hashes at a level, and how wide it is.
func tilePaths(level string, count uint64, visit func(path string, index, width uint64) error) error {
	for index := uint64(0); index*tileWidth < count; index++ {
		width := min(tileWidth, count-index*tileWidth)
		path := "/tile/" + level + "/" + indexPath(index)
		if width < tileWidth {
			path += fmt.Sprintf(".p/%d", width)
		}
		if err := visit(path, index, width); err != nil {
			return err
		}
	}
	return nil
}

func leafHashes(url string, size uint64) ([][]byte, error) {
	var hashes [][]byte
	err := tilePaths("entries", size, func(path string, _, width uint64) error {
		bundle, err := get(url+path, "application/octet-stream")
		if err != nil {
			return err
		}
		for ; len(bundle) > 0; width-- {
			if len(bundle) < 2 || width == 0 {
				return fmt.Errorf("%s: not a bundle of that many entries", path)
			}
			end := 2 + int(bundle[0])<<8 + int(bundle[1])
			if len(bundle) < end {
				return fmt.Errorf("%s: an entry is cut short", path)
			}
			hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(bundle[2:end]))
			bundle = bundle[end:]
		}
		if width != 0 {
			return fmt.Errorf("%s: %d entries are missing", path, width)
		}
		return nil
	})
	return hashes, err
}

func rootOf(hashes [][]byte) ([]byte, error) {
	factory := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	all := factory.NewEmptyRange(0)
	for _, hash := range hashes {
		if err := all.Append(hash, nil); err != nil {
			return nil, err
		}
	}
	if len(hashes) == 0 {
		return rfc6962.DefaultHasher.EmptyRoot(), nil
	}
	return all.GetRootHash(nil)
}

// Every tile of the tree over these leaves is there and holds what it must. Gives their number.
func checkTiles(url string, hashes [][]byte) (int, error) {
	count := 0
	for level := 0; len(hashes) > 0; level++ {
		err := tilePaths(fmt.Sprint(level), uint64(len(hashes)), func(path string, index, width uint64) error {
			tile, err := get(url+path, "application/octet-stream")
			if err != nil {
				return err
			}
			if !bytes.Equal(tile, bytes.Join(hashes[index*tileWidth:index*tileWidth+width], nil)) {
				return fmt.Errorf("%s: not the hashes of the entries below it", path)
			}
			count++
			return nil
		})
		if err != nil {
			return 0, err
		}
		var above [][]byte
		for i := 0; i+tileWidth <= len(hashes); i += tileWidth {
			root, err := rootOf(hashes[i : i+tileWidth])
			if err != nil {
				return 0, err
			}
			above = append(above, root)
		}
		hashes = above
	}
	return count, nil
}

func checkProofs(given proofs, hashes [][]byte) error {
	for _, each := range given.Inclusion {
		root, err := rootOf(hashes[:each.Size])
		if err == nil {
			err = proof.VerifyInclusion(rfc6962.DefaultHasher, each.Index, each.Size, rfc6962.DefaultHasher.HashLeaf(each.Leaf), each.Hashes, root)
		}
		if err != nil {
			return fmt.Errorf("inclusion of %d in %d: %w", each.Index, each.Size, err)
		}
	}
	for _, each := range given.Consistency {
		root, err := rootOf(hashes[:each.To])
		if err == nil {
			err = proof.VerifyConsistency(rfc6962.DefaultHasher, each.From, each.To, each.Hashes, each.FromRoot, root)
		}
		if err != nil {
			return fmt.Errorf("consistency of %d with %d: %w", each.From, each.To, err)
		}
	}
	return nil
}

func check(url, key string) error {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return err
	}
	signed, err := get(url+"/checkpoint", "text/plain; charset=utf-8")
	if err != nil {
		return err
	}
	checkpoint, _, _, err := log.ParseCheckpoint(signed, verifier.Name(), verifier)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	hashes, err := leafHashes(url, checkpoint.Size)
	if err != nil {
		return err
	}
	root, err := rootOf(hashes)
	if err != nil {
		return err
	}
	if !bytes.Equal(root, checkpoint.Hash) {
		return fmt.Errorf("the entries have root %x, the checkpoint says %x", root, checkpoint.Hash)
	}
	tiles, err := checkTiles(url, hashes)
	if err != nil {
		return err
	}
	var given proofs
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil && err != io.EOF {
		return fmt.Errorf("proofs: %w", err)
	}
	for _, each := range given.Inclusion {
		if each.Size > checkpoint.Size {
			return fmt.Errorf("a proof for size %d, of %d that are signed", each.Size, checkpoint.Size)
		}
	}
	for _, each := range given.Consistency {
		if each.To > checkpoint.Size {
			return fmt.Errorf("a proof for size %d, of %d that are signed", each.To, checkpoint.Size)
		}
	}
	if err := checkProofs(given, hashes); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"origin": checkpoint.Origin, "size": checkpoint.Size, "root": base64.StdEncoding.EncodeToString(root), "tiles": tiles,
	})
}

func checkFile(path, key string) error {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var given tlogproof.TLogProof
	if err := given.Unmarshal(text); err != nil {
		return err
	}
	checkpoint, _, _, err := log.ParseCheckpoint(given.Checkpoint, verifier.Name(), verifier)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(given.ExtraData)
	var hashes [][]byte
	for _, hash := range given.Hashes {
		hashes = append(hashes, hash[:])
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, given.Index, checkpoint.Size, leaf, hashes, checkpoint.Hash); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"origin": checkpoint.Origin, "size": checkpoint.Size, "index": given.Index, "leaf": base64.StdEncoding.EncodeToString(given.ExtraData),
	})
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: tlogcheck URL KEY < PROOFS, or tlogcheck FILE KEY")
		os.Exit(2)
	}
	run := checkFile
	if strings.Contains(os.Args[1], "://") {
		run = check
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "tlogcheck:", err)
		os.Exit(1)
	}
}
