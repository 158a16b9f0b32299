package policy_test
import ("testing";"strings";"time";"github.com/virt-audit/virt-audit/audit/policy")
func TestZZ(t *testing.T){
 n:=64<<10
 var b strings.Builder
 for i:=0;b.Len()<n-400;i++{ b.WriteString(strings.Repeat(" ",i)+"a:\n") }
 for name,s:=range map[string]string{"[":strings.Repeat("[",n),"{":strings.Repeat("{",n),"- ":strings.Repeat("- ",n/2),"{a:":strings.Repeat("{a: ",n/4),"? ":strings.Repeat("? ",n/2),"&a ":strings.Repeat("&a ",n/3),"!a ":strings.Repeat("!a ",n/3),"nest":b.String(),"keys":strings.Repeat("a: b\n",n/5),"#":strings.Repeat("#\n",n/2),"\"":"a: \""+strings.Repeat("x\n",n/2-4), "a: ": strings.Repeat("a: ",n/3), "ukeys":func()string{var b strings.Builder;for i:=0;b.Len()<n-20;i++{b.WriteString("k"+strings.Repeat("x",i%7)+string(rune('a'+i%26))+strings.Repeat("y",i/200)+": b\n")};return b.String()}(),"---":strings.Repeat("---\n",n/4)} {
  st:=time.Now(); _,err:=policy.Parse("f",[]byte(s)); m:=err.Error(); if len(m)>100{m=m[:100]}
  t.Log(name,time.Since(st),m)
 }
}
